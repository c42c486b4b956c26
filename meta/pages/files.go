package pages

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/requests"
)

// Bounds of a look at descriptors.
const (
	mostFiles    = 100_000 // that are counted
	defaultFiles = 100     // that are shown of each process, unless "n" says more
)

// Files returns the page of the descriptors of a process, with the connection,
// request and goroutine that each belongs to. Listeners are its listening
// sockets, by the name of the server. On systems without /proc it says so.
func Files(conns func() []Conn, listeners func() map[string]syscall.Conn, recorders Recorders) meta.Page {
	f := files{conns, listeners, recorders}
	return meta.Page{Path: "files", Title: "Files", Section: meta.Serves, Key: "f", Picks: true, Cost: meta.Costly, Run: f.page}
}

type files struct {
	conns     func() []Conn
	listeners func() map[string]syscall.Conn
	requests  Recorders
}

// file is a descriptor, and whose it is.
type file struct {
	fd     int
	kind   string // socket, pipe, file, …
	target string // what the kernel calls it
	owner  string
	conn   *Conn
}

func (f files) page(_ context.Context, q url.Values) (any, error) {
	all, err := descriptors(mostFiles)
	if err != nil {
		return nil, fmt.Errorf("list the descriptors: %w", err)
	}
	open := len(all)
	conns := f.conns()
	join(all, conns, f.listeners())
	kinds := kindTable(all)
	runs := f.requests.byPeer()
	shown := choose(all, q, runs)
	return meta.View{Blocks: []meta.Block{
		{Name: "figures", Figures: fileFigures(all)},
		{Name: "kinds", Title: "By kind and owner", Half: true, Table: kinds},
		{Name: "files", Title: "Descriptors", Note: data.Words("of each process, those that come first"), Table: fileTable(shown, open, q, runs)},
	}}, nil
}

// join finds whose each descriptor is.
func join(all []file, conns []Conn, listeners map[string]syscall.Conn) {
	at := make(map[int]*file, len(all))
	for i := range all {
		at[all[i].fd] = &all[i]
	}
	for i := range conns {
		c, ok := conns[i].Socket.(syscall.Conn)
		if !ok {
			continue
		}
		descriptor(c, func(fd int) {
			if f := at[fd]; f != nil {
				name, side := conns[i].owner()
				f.conn, f.kind, f.owner = &conns[i], "connection", side+" of "+name
				if side == "service" {
					f.owner = "service " + name
				}
			}
		})
	}
	for name, ln := range listeners {
		descriptor(ln, func(fd int) {
			if f := at[fd]; f != nil {
				f.kind, f.owner = "listener", "server "+name
			}
		})
	}
}

// descriptor calls f with the descriptor of c, unless c is closed.
func descriptor(c syscall.Conn, f func(fd int)) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { f(int(fd)) }) // fails when closed
}

func fileFigures(all []file) []meta.Field {
	var conns, sockets, others int
	for i := range all {
		switch all[i].kind {
		case "connection":
			conns++
		case "socket", "listener":
			sockets++
		default:
			others++
		}
	}
	count := func(name, title string, n int) meta.Field {
		return meta.Field{Name: name, Title: title, Merge: data.Sum, Cell: meta.Cell{Value: n}}
	}
	open := count("open", "Open", len(all))
	fields := []meta.Field{open, count("connections", "Connections", conns), count("sockets", "Other sockets", sockets), count("others", "Files, pipes and others", others)}
	if limit := openLimit(); limit > 0 {
		used := meta.Cell{Value: float64(len(all)) / limit}
		switch share := float64(len(all)) / limit; {
		case share >= 0.9:
			used.State = data.Wrong
		case share >= 0.75:
			used.State = data.Look
		}
		fields = append(fields, meta.Field{Name: "limit", Title: "Limit of each process", Merge: data.Min, Cell: meta.Cell{Value: limit}},
			meta.Field{Name: "used", Title: "Of it used, at most", Unit: data.UnitRatio, Merge: data.Max, Cell: used})
	}
	return fields
}

// kindTable counts descriptors by what they are, and whose.
func kindTable(all []file) *meta.Table {
	t := &meta.Table{Key: "what", Sorted: "-count", Columns: []meta.Column{{Name: "what", Title: "What"}, {Name: "count", Title: "Count", Merge: data.Sum}}}
	counts := make(map[string]int)
	for i := range all {
		counts[all[i].what()]++
	}
	for what, n := range counts {
		t.Add(what, n)
	}
	t.Sort("what")
	t.Sort("-count")
	if len(t.Rows) > maxGroups {
		t.Total, t.Rows = len(t.Rows), t.Rows[:maxGroups]
	}
	return t
}

func (f *file) what() string {
	if f.owner == "" {
		return f.kind
	}
	return f.kind + ", " + f.owner
}

// choose filters and sorts as somebody asks, and keeps as many as are shown.
func choose(all []file, q url.Values, runs map[string]requests.Running) []file {
	words := strings.Fields(strings.ToLower(q.Get("q")))
	if len(words) > 0 {
		all = slices.DeleteFunc(all, func(f file) bool {
			text := strings.ToLower(strings.Join([]string{itoa(f.fd), f.kind, f.owner, f.shownTarget(), f.request(runs).String()}, " "))
			return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
		})
	}
	sort := cmp.Or(q.Get("sort"), "fd")
	by := strings.TrimPrefix(sort, "-")
	slices.SortStableFunc(all, func(a, b file) int {
		if by != sort {
			a, b = b, a
		}
		switch by {
		case "kind":
			return cmp.Compare(a.kind, b.kind)
		case "owner":
			return cmp.Compare(a.owner, b.owner)
		case "target":
			return cmp.Compare(a.shownTarget(), b.shownTarget())
		case "age":
			return cmp.Compare(a.since(), b.since())
		}
		return cmp.Compare(a.fd, b.fd)
	})
	most := defaultFiles
	if n, err := strconv.Atoi(q.Get("n")); err == nil && n > 0 {
		most = min(n, mostConns)
	}
	return all[:min(len(all), most)]
}

// since is larger for what is younger, so that it sorts by age; what has none
// is as if it were new.
func (f *file) since() int64 {
	if f.conn == nil {
		return math.MinInt64
	}
	return -f.conn.Since.UnixNano()
}

// shownTarget is the peer of a connection, or what the kernel says.
func (f *file) shownTarget() string {
	if f.conn != nil {
		return f.conn.Socket.RemoteAddr().String()
	}
	return f.target
}

func (f *file) request(runs map[string]requests.Running) meta.Cell {
	if f.conn == nil || f.conn.Server == "" {
		return meta.Cell{Value: ""}
	}
	r, ok := runs[f.conn.Socket.RemoteAddr().String()]
	if !ok {
		return meta.Cell{Value: ""}
	}
	return meta.Cell{Value: cmp.Or(r.Route, r.Method+" "+human.Middle(r.Path, 40)), Href: "inflight?open=" + r.ID.String(), Why: "open it for the stack of its goroutines"}
}

func fileTable(shown []file, open int, q url.Values, runs map[string]requests.Running) *meta.Table {
	t := &meta.Table{Filter: true, Sorted: cmp.Or(q.Get("sort"), "fd"), Empty: "No descriptor is asked for.", Columns: []meta.Column{
		{Name: "fd", Title: "Descriptor"}, {Name: "kind", Title: "Kind"}, {Name: "target", Title: "Of", Unit: data.UnitCode, Wrap: true}, {Name: "owner", Title: "Owner"},
		{Name: "state", Title: "State"}, {Name: "age", Title: "Age", Unit: data.UnitSeconds}, {Name: "request", Title: "Request and goroutine"},
	}}
	if open > len(shown) {
		t.Total = open
	}
	for i := range shown {
		f := &shown[i]
		state, since := any(""), any(nil)
		if f.conn != nil {
			state, since = stateCell(&shownConn{Conn: f.conn}), time.Since(f.conn.Since)
		}
		t.Add(f.fd, f.kind, meta.Cell{Value: human.Middle(f.shownTarget(), 80), Why: f.target}, f.owner, state, since, f.request(runs))
	}
	return t
}
