package pages

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/requests"
)

// Conn is a connection that is open.
type Conn struct {
	Server   string // that has accepted it, if one has
	Service  string // of Upstream that it is to, if it is to one
	State    ConnState
	Since    time.Time
	Requests int // that run on it

	// Socket is asked for its addresses, and the kernel for what it knows of it.
	// Nothing else is done with it.
	Socket net.Conn
}

// ConnState says what a connection does.
type ConnState string

// The states of connections.
const (
	ConnActive ConnState = "active" // a request runs, or somebody has borrowed it
	ConnIdle   ConnState = "idle"
	ConnSilent ConnState = "silent" // its peer has never said anything
	ConnKept   ConnState = "kept"   // somebody has it for good, as HTTP has its connections to services
)

// Bounds of what a look at connections shows and asks.
const (
	defaultConns = 100
	mostConns    = 2000
	mostAsked    = 20_000 // of the kernel, in one look
	mostPeers    = 20
)

// Connections returns the page of the connections of a process, of both sides.
// The questions are "server" and "service" by name, "state", "peer", an address
// without its port, and "n", how many to show.
func Connections(of func() []Conn, recorders Recorders) meta.Page {
	c := connections{of, recorders}
	return meta.Page{Path: "connections", Title: "Connections", Section: meta.Serves, Key: "k", Picks: true, Run: c.page}
}

type connections struct {
	of       func() []Conn
	requests Recorders
}

func (c connections) page(_ context.Context, q url.Values) (any, error) {
	all := c.of()
	l := newListing(all, c.requests, q)
	return meta.View{Blocks: []meta.Block{
		{Name: "figures", Figures: connFigures(all)},
		{Name: "owners", Title: "By server and service", Half: true, Table: owners(all)},
		{Name: "peers", Title: "By peer", Half: true, Note: data.Words("those with the most connections"), Table: peers(all)},
		{Name: "connections", Title: "Connections", Note: data.Words(l.note()), Table: l.table()},
	}}, nil
}

func connFigures(all []Conn) []meta.Field {
	var served, made, idle, silent, kept int
	oldest := time.Duration(0)
	for i := range all {
		switch {
		case all[i].Service != "":
			made++
		default:
			served++
		}
		switch all[i].State {
		case ConnIdle:
			idle++
		case ConnSilent:
			silent++
		case ConnKept:
			kept++
		}
		oldest = max(oldest, time.Since(all[i].Since))
	}
	count := func(name, title string, n int) meta.Field {
		return meta.Field{Name: name, Title: title, Merge: data.Sum, Cell: meta.Cell{Value: n}}
	}
	return []meta.Field{
		count("served", "From clients", served), count("made", "To services", made), count("active", "Active", served+made-idle-silent-kept), count("idle", "Idle", idle), count("silent", "Never said anything", silent), count("kept", "Kept by HTTP", kept),
		{Name: "oldest", Title: "Oldest", Unit: data.UnitSeconds, Merge: data.Max, Cell: meta.Cell{Value: age(len(all), oldest)}},
	}
}

// owner is the server or service of a connection, and where there is more about
// it.
func (c *Conn) owner() (name, side string) {
	if c.Service != "" {
		return c.Service, "service"
	}
	return c.Server, "client"
}

// owners counts connections by server and service.
func owners(all []Conn) *meta.Table {
	t := &meta.Table{Key: "of", Sorted: "-conns", Empty: "No connection is open.", Columns: []meta.Column{
		{Name: "of", Title: "Server or service"}, {Name: "side", Title: "Peers are", Merge: data.List}, {Name: "conns", Title: "Conns", Merge: data.Sum},
		{Name: "active", Title: "Active", Merge: data.Sum}, {Name: "idle", Title: "Idle", Merge: data.Sum}, {Name: "silent", Title: "Silent", Merge: data.Sum}, {Name: "oldest", Title: "Oldest", Unit: data.UnitSeconds, Merge: data.Max},
	}}
	type sum struct {
		states map[ConnState]int
		oldest time.Duration
		n      int
	}
	sums := make(map[[2]string]*sum)
	for i := range all {
		name, side := all[i].owner()
		s := sums[[2]string{name, side}]
		if s == nil {
			s = &sum{states: make(map[ConnState]int)}
			sums[[2]string{name, side}] = s
		}
		s.n++
		s.states[all[i].State]++
		s.oldest = max(s.oldest, time.Since(all[i].Since))
	}
	for key, s := range sums {
		question := "server"
		if key[1] == "service" {
			question = "service"
		}
		t.Add(meta.Cell{Value: key[0], Href: "connections?" + url.Values{question: {key[0]}}.Encode()}, key[1], s.n, s.states[ConnActive], s.states[ConnIdle], s.states[ConnSilent], s.oldest)
	}
	t.Sort("of")
	t.Sort("-conns")
	return t
}

// peers counts connections by the address of the peer.
func peers(all []Conn) *meta.Table {
	t := &meta.Table{Key: "peer", Sorted: "-conns", Empty: "No peer has an address.", Columns: []meta.Column{
		{Name: "peer", Title: "Peer", Unit: data.UnitCode}, {Name: "conns", Title: "Conns", Merge: data.Sum}, {Name: "share", Title: "Of all", Unit: data.UnitRatio, Merge: data.Max},
	}}
	counts := make(map[netip.Addr]int)
	for i := range all {
		if ip := all[i].peer(); ip.IsValid() {
			counts[ip]++
		}
	}
	for ip, n := range counts {
		t.Rows = append(t.Rows, data.Row{Cells: []meta.Cell{{Value: ip}, {Value: n}, {Value: float64(n) / float64(len(all))}}})
	}
	slices.SortFunc(t.Rows, func(a, b data.Row) int { return cmp.Compare(b.Cells[1].Value.(int), a.Cells[1].Value.(int)) })
	if t.Total = len(t.Rows); t.Total <= mostPeers {
		t.Total = 0
	}
	t.Rows = t.Rows[:min(len(t.Rows), mostPeers)]
	for i := range t.Rows {
		ip := t.Rows[i].Cells[0].Value.(netip.Addr).String()
		t.Rows[i].Cells[0] = meta.Cell{Value: ip, Href: "connections?" + url.Values{"peer": {ip}}.Encode()}
	}
	return t
}

// peer is the address of the peer without its port; invalid if it has none.
func (c *Conn) peer() netip.Addr {
	if tcp, ok := c.Socket.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// listing is the part of all connections that somebody wants to see.
type listing struct {
	found []*shownConn
	total int // that match
	asked int // the kernel
	sort  string
	most  int
	runs  map[string]requests.Running // by peer
	now   time.Time
}

// shownConn is a connection with what the kernel knows of it.
type shownConn struct {
	*Conn
	local, peer string
	tcp         tcpFacts
	known       bool
	key         float64 // by which it is sorted, if that is a number
}

func newListing(all []Conn, recorders Recorders, q url.Values) *listing {
	l := &listing{sort: cmp.Or(q.Get("sort"), "-age"), most: defaultConns, now: time.Now(), runs: recorders.byPeer()}
	if n, err := strconv.Atoi(q.Get("n")); err == nil && n > 0 {
		l.most = min(n, mostConns)
	}
	words := strings.Fields(strings.ToLower(q.Get("q")))
	conns := make([]shownConn, len(all))
	l.found = make([]*shownConn, 0, len(all))
	for i := range all {
		conns[i].Conn = &all[i]
		if l.wants(&conns[i], q, words) {
			l.found = append(l.found, &conns[i])
		}
	}
	l.total = len(l.found)
	l.pick()
	return l
}

// wants says whether a connection is one that the questions are for.
func (l *listing) wants(c *shownConn, q url.Values, words []string) bool {
	switch {
	case q.Get("server") != "" && c.Server != q.Get("server"), q.Get("service") != "" && c.Service != q.Get("service"),
		q.Get("state") != "" && string(c.State) != q.Get("state"):
		return false
	case q.Get("peer") != "" && c.Conn.peer().String() != q.Get("peer"):
		return false
	case len(words) == 0:
		return true
	}
	c.address()
	name, side := c.owner()
	text := strings.ToLower(strings.Join([]string{c.peer, name, side, string(c.State), l.runs[c.peer].Route}, " "))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

func (c *shownConn) address() {
	if c.peer == "" {
		c.local, c.peer = c.Socket.LocalAddr().String(), c.Socket.RemoteAddr().String()
	}
}

// pick sorts, and keeps as many as are shown. Only for an order that the kernel
// knows is it asked about more than those.
func (l *listing) pick() {
	by := strings.TrimPrefix(l.sort, "-")
	if kernels(by) {
		l.ask(mostAsked)
	}
	for _, c := range l.found {
		c.key = c.number(by, l.now)
	}
	slices.SortStableFunc(l.found, func(a, b *shownConn) int {
		if l.sort != by {
			a, b = b, a
		}
		return cmp.Or(strings.Compare(a.text(by), b.text(by)), cmp.Compare(a.key, b.key))
	})
	l.found = l.found[:min(len(l.found), l.most)]
	l.ask(len(l.found))
}

// text is what a column of text has; nothing for others.
func (c *shownConn) text(column string) string {
	switch column {
	case "peer":
		c.address()
		return c.peer
	case "of":
		name, _ := c.owner()
		return name
	case "side":
		_, side := c.owner()
		return side
	case "state":
		return string(c.State)
	}
	return ""
}

// ask asks the kernel about the first n.
func (l *listing) ask(n int) {
	for i := range l.found[:min(n, len(l.found))] {
		if c := l.found[i]; !c.known {
			c.tcp, c.known = factsOf(c.Socket)
			l.asked++
		}
	}
}

func (l *listing) note() string {
	note := "of each process, those that come first"
	if l.total > len(l.found) {
		note += ": " + human.Count(float64(len(l.found))).String() + " of " + human.Count(float64(l.total)).String() + " that match"
	}
	return note
}

// kernels says whether only the kernel knows what is in a column.
func kernels(column string) bool {
	return slices.Contains([]string{"in", "out", "quiet", "rtt", "retransmits", "unacked", "queue", "tcp"}, column)
}

// number is what a column of numbers has. What nobody knows is less than all.
func (c *shownConn) number(column string, now time.Time) float64 {
	switch {
	case column == "requests":
		return float64(c.Requests)
	case !kernels(column):
		return now.Sub(c.Since).Seconds()
	case !c.known:
		return -1
	}
	switch column {
	case "in":
		return float64(c.tcp.received)
	case "out":
		return float64(c.tcp.sent)
	case "quiet":
		return c.tcp.quiet.Seconds()
	case "rtt":
		return c.tcp.rtt.Seconds()
	case "retransmits":
		return float64(c.tcp.retransmits)
	case "unacked":
		return float64(c.tcp.unacked)
	case "queue":
		return float64(c.tcp.queue)
	}
	return float64(c.tcp.state)
}
