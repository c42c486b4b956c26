package pages

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/pressure"
	"github.com/support-go/support/stats"
)

// Serving is what a process serves, and what it does with too much. What is
// left out is not shown.
type Serving struct {
	Servers []Server
	Gate    *admit.Gate
	Short   pressure.Reading // the last
	Marks   pressure.Watch   // by which Short is judged
	Relief  func(pressure.Level) string
	Stats   *stats.Registry // that Gate, and the queues of Servers, count in; may be nil
}

// Server is one server of a process.
type Server struct {
	Name     string
	Network  string // tcp, unix, udp
	Address  string
	Protocol string // such as "HTTP/1.1, HTTP/2"
	TLS      *tls.Config
	Queue    *accept.Queue // nil if it has no connections
	Backlog  int           // that was asked for
	Packets  *Packets      // nil if it takes no datagrams
}

// Packets is what a server of datagrams has to do.
type Packets struct {
	Running int    // handlers
	Limit   int    // of handlers
	Dropped uint32 // by the kernel, since the socket was opened, in whichever process
}

// Servers returns the page of what a process serves.
func Servers(of func() Serving) meta.Page {
	return meta.Page{Path: "servers", Title: "Servers", Section: meta.Serves, Key: "v", Verdict: serversVerdict, Run: func(context.Context, url.Values) (any, error) {
		s := of()
		blocks := []meta.Block{{Name: "figures", Figures: s.figures()}, {Name: "servers", Title: "Listeners", Note: kernel(), Table: s.listeners()}}
		if s.Gate != nil {
			blocks = append(blocks, meta.Block{Name: "gate", Title: "Gate", Half: true, Note: data.Words("how many requests run at once"), Fields: s.gate()})
		}
		blocks = append(blocks, meta.Block{Name: "shed", Title: "Shed by reason", Half: true, Note: data.Words("since the start"), Table: s.shed()},
			meta.Block{Name: "pressure", Title: "Pressure", Half: true, Note: data.Words("now, and where levels begin"), Table: s.pressure()},
			meta.Block{Name: "relief", Title: "What pressure does", Half: true, Table: s.relief()})
		return meta.View{Blocks: append(blocks, s.requestDecisions(), s.connectionDecisions())}, nil
	}}
}

// states adds up what the queues hold.
func (s *Serving) states() (sum accept.State) {
	for _, server := range s.Servers {
		if server.Queue != nil {
			q := server.Queue.State()
			sum.Open, sum.Active, sum.Waiting = sum.Open+q.Open, sum.Active+q.Active, sum.Waiting+q.Waiting
			sum.Oldest = max(sum.Oldest, q.Oldest)
		}
	}
	return sum
}

func (s *Serving) figures() []meta.Field {
	q := s.states()
	fields := []meta.Field{
		{Name: "open", Title: "Connections", Merge: data.Sum, Cell: meta.Cell{Value: q.Open, Href: "connections"}},
		{Name: "active", Title: "With a request", Merge: data.Sum, Cell: meta.Cell{Value: q.Active}},
		{Name: "idle", Title: "Idle", Merge: data.Sum, Cell: meta.Cell{Value: max(q.Open-q.Active, 0)}},
		{Name: "queue", Title: "Accept queue", Merge: data.Sum, Cell: meta.Cell{Value: q.Waiting}},
		{Name: "queue_age", Title: "Oldest in it", Unit: data.UnitSeconds, Merge: data.Max, Cell: meta.Cell{Value: age(q.Waiting, q.Oldest)}},
	}
	if s.Gate != nil {
		g := s.Gate.State()
		fields = append(fields,
			meta.Field{Name: "running", Title: "Requests running", Merge: data.Sum, Cell: meta.Cell{Value: g.Running, Href: "inflight"}},
			meta.Field{Name: "limit", Title: "Limit", Merge: data.Sum, Cell: meta.Cell{Value: g.Limit}},
			meta.Field{Name: "waiting", Title: "Requests waiting", Merge: data.Sum, Cell: meta.Cell{Value: g.Waiting}})
	}
	fields = append(fields, meta.Field{Name: "shed", Title: "Shed so far", Merge: data.Sum, Cell: meta.Cell{Value: s.allShed()}})
	return append(fields, meta.Field{Name: "pressure", Title: "Pressure", Merge: data.Worst, Cell: levelCell(s.Short.Level)})
}

// age is for how long the first of some has waited; of none it is nothing.
func age(waiting int, oldest time.Duration) any {
	if waiting == 0 {
		return nil
	}
	return oldest
}

func levelCell(l pressure.Level) meta.Cell {
	c := meta.Cell{Value: l.String(), State: data.OK}
	switch l {
	case pressure.Tight:
		c.State = data.Busy
	case pressure.Short:
		c.State = data.Look
	case pressure.Dire:
		c.State = data.Wrong
	}
	return c
}

// listeners has a row for each server. The kernel's queue is that of a socket
// which all workers share.
func (s *Serving) listeners() *meta.Table {
	t := &meta.Table{Key: "server", Empty: "This process serves nothing.", Columns: []meta.Column{
		{Name: "server", Title: "Server"}, {Name: "address", Title: "Address", Unit: data.UnitCode}, {Name: "network", Title: "Network", Wide: true},
		{Name: "protocol", Title: "Protocol", Wide: true}, {Name: "tls", Title: "TLS", Merge: data.Worst},
		{Name: "open", Title: "Conns", Merge: data.Sum}, {Name: "active", Title: "Active", Merge: data.Sum}, {Name: "idle", Title: "Idle", Merge: data.Sum, Wide: true},
		{Name: "queue", Title: "Accept queue", Merge: data.Sum}, {Name: "queue_age", Title: "Oldest", Unit: data.UnitSeconds, Merge: data.Max},
		{Name: "backlog", Title: "Kernel's queue", Merge: data.Max}, {Name: "backlog_limit", Title: "Of at most", Merge: data.Max},
		{Name: "why", Title: "Note", Merge: data.List, Wrap: true},
	}}
	for _, server := range s.Servers {
		server.row(t)
	}
	return t
}

func (s *Server) row(t *meta.Table) {
	name := meta.Cell{Value: s.Name, Href: "connections?" + url.Values{"server": {s.Name}}.Encode()}
	switch {
	case s.Packets != nil:
		name.Href = "stats?" + url.Values{"q": {"packet."}}.Encode()
		t.Add(name, s.Address, s.Network, s.Protocol, "off", nil, s.Packets.Running, nil, nil, nil, nil, nil, s.Packets.note())
		return
	case s.Queue == nil:
		t.Add(name, s.Address, s.Network, s.Protocol, secure(s.TLS, time.Now()), nil, nil, nil, nil, nil, nil, nil, "")
		return
	}
	q := s.Queue.State()
	length, limit, note := any(nil), any(nil), ""
	state := data.State("")
	if n, most, known := s.Queue.Backlog(); known {
		length, limit = n, most
		switch {
		case most > 0 && n >= most:
			state, note = data.Wrong, "the kernel's queue is full: clients are ignored until it is not"
		case most > 0 && n > most/2:
			state, note = data.Look, "the kernel's queue is more than half full"
		case s.Backlog > most:
			note = fmt.Sprintf("a backlog of %d was asked for; net.core.somaxconn allows %d", s.Backlog, most)
		}
	}
	row := t.Add(name, s.Address, s.Network, s.Protocol, secure(s.TLS, time.Now()), q.Open, q.Active, max(q.Open-q.Active, 0),
		q.Waiting, age(q.Waiting, q.Oldest), meta.Cell{Value: length, State: state}, limit, note)
	row.State = state
}

func (p *Packets) note() string {
	switch {
	case p.Dropped > 0:
		return fmt.Sprintf("the kernel has dropped %s datagrams: its buffer was full", human.Count(float64(p.Dropped)))
	case p.Limit > 0 && p.Running >= p.Limit:
		return "all handlers run: datagrams wait in the kernel's buffer"
	}
	return ""
}

// Certificates should be renewed long before they end.
const (
	endsSoon = 14 * 24 * time.Hour
	endsNow  = 3 * 24 * time.Hour
)

// secure says whether connections are encrypted, and for how long the first
// certificate is good.
func secure(config *tls.Config, now time.Time) meta.Cell {
	if config == nil {
		return meta.Cell{Value: "off"}
	}
	if len(config.Certificates) == 0 || config.Certificates[0].Leaf == nil {
		return meta.Cell{Value: "on"}
	}
	leaf := config.Certificates[0].Leaf
	left := leaf.NotAfter.Sub(now)
	c := meta.Cell{Value: "on, for " + human.Age(left), Why: leaf.Subject.CommonName + ", until " + human.Exact(leaf.NotAfter)}
	switch {
	case left <= 0:
		c.Value, c.State = "expired", data.Wrong
	case left < endsNow:
		c.State = data.Wrong
	case left < endsSoon:
		c.State = data.Look
	}
	return c
}

// kernel says what the kernel has turned away, of all sockets of the network
// namespace: it does not count them apart.
func kernel() data.Rich {
	overflows, drops, known := accept.Overflows()
	if !known {
		return nil
	}
	return data.Words(fmt.Sprintf("kernel, whole namespace: %s overflows of queues, %s drops", human.Count(float64(overflows)), human.Count(float64(drops))))
}

func serversVerdict(v meta.View) *data.Verdict {
	for _, b := range v.Blocks {
		if b.Name != "figures" {
			continue
		}
		for _, f := range b.Figures {
			if f.Name == "pressure" && (f.Cell.State == data.Look || f.Cell.State == data.Wrong) {
				return &data.Verdict{State: f.Cell.State, Word: "Pressure is " + f.Cell.String(), Sentence: data.Rich{
					{Text: "A process is short of what the table "}, {Text: "Pressure", Strong: true}, {Text: " marks; "},
					{Text: "requests are shed by their class", Href: "stats?q=shed"}, {Text: "."},
				}}
			}
		}
	}
	return nil
}
