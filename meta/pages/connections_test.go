package pages_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/requests"
)

func ExampleConnections() {
	page := pages.Connections(func() []pages.Conn { return nil }, nil)
	got, _ := page.Run(context.Background(), url.Values{"state": {"idle"}})
	v := data.From(page.Title, got)
	fmt.Println(v.Blocks[len(v.Blocks)-1].Table.Empty)
	// Output: No connection is open that is asked for.
}

// fakeConn has addresses, and is nothing that the kernel knows.
type fakeConn struct {
	net.Conn
	peer net.Addr
}

func (f fakeConn) RemoteAddr() net.Addr { return f.peer }
func (f fakeConn) LocalAddr() net.Addr  { return &net.UnixAddr{Name: "<here>", Net: "unix"} }

// many are connections from a few clients, of which the last is the oldest.
func many(n int) []pages.Conn {
	all := make([]pages.Conn, n)
	states := []pages.ConnState{pages.ConnActive, pages.ConnIdle, pages.ConnSilent, pages.ConnIdle}
	for i := range all {
		peer := &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(i%200)), Port: 1024 + i}
		all[i] = pages.Conn{Server: "<b>api", State: states[i%4], Since: time.Now().Add(-time.Duration(i) * time.Second), Socket: fakeConn{peer: peer}}
	}
	return all
}

func asked(t *testing.T, p meta.Page, query string) data.View {
	t.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Run(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return data.From(p.Title, got)
}

func rowsOf(v data.View, block string) *data.Table {
	for _, b := range v.Blocks {
		if b.Name == block {
			return b.Table
		}
	}
	return &data.Table{}
}

func TestConnectionsAreBounded(t *testing.T) {
	all := many(10_000)
	page := pages.Connections(func() []pages.Conn { return all }, nil)
	last := all[9_999].Socket.RemoteAddr().String()
	tests := map[string]struct {
		query       string
		rows, total int
		first       string
	}{
		"the oldest":       {"", 100, 10_000, last},
		"the youngest":     {"sort=age", 100, 10_000, all[0].Socket.RemoteAddr().String()},
		"some":             {"n=7", 7, 10_000, last},
		"too many":         {"n=1000000", 2000, 10_000, last},
		"not a number":     {"n=-3", 100, 10_000, last},
		"by a word":        {"q=" + url.QueryEscape(last), 1, 0, last},
		"by two":           {"q=CLIENT+" + url.QueryEscape(last), 1, 0, last},
		"by state":         {"state=silent&n=5", 5, 2500, all[9_998].Socket.RemoteAddr().String()},
		"by peer":          {"peer=192.0.2.199", 50, 0, last},
		"by server":        {"server=%3Cb%3Eapi", 100, 10_000, last},
		"of nobody":        {"server=%3Cscript%3E", 0, 0, ""},
		"an unknown order": {"sort=-%3Cscript%3E", 100, 10_000, last},
		"what is unknown":  {"sort=-queue", 100, 10_000, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := asked(t, page, test.query)
			table := rowsOf(v, "connections")
			if len(table.Rows) != test.rows || table.Total != test.total {
				t.Fatalf("?%s: %d rows of %d, want %d of %d", test.query, len(table.Rows), table.Total, test.rows, test.total)
			}
			if test.first != "" && table.Rows[0].Cells[0].String() != test.first {
				t.Errorf("?%s: the first is %s, want %s", test.query, table.Rows[0].Cells[0], test.first)
			}
			if got := figure(v, "served").String(); got != "10000" {
				t.Errorf("%s in all, want 10000", got)
			}
			b, err := data.Encode(v)
			if err != nil || len(b) > 300*(test.rows+100) {
				t.Errorf("%d bytes for %d rows: %v", len(b), test.rows, err)
			}
		})
	}
}

func TestConnectionsOfTwoWorkers(t *testing.T) {
	one, two := many(10), many(6)
	two[0].Server, two[0].Service, two[0].State = "", "bank", pages.ConnKept
	v := merged(t, look(t, pages.Connections(func() []pages.Conn { return one }, nil)), look(t, pages.Connections(func() []pages.Conn { return two }, nil)))
	for name, want := range map[string]string{"served": "15", "made": "1", "active": "4", "idle": "8", "silent": "3", "kept": "1"} {
		if got := figure(v, name).String(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := value(t, v, "owners", "<b>api", "conns").String(); got != "15" {
		t.Errorf("%s connections of the server, want 15", got)
	}
	if got := value(t, v, "peers", "192.0.2.1", "conns").String(); got != "2" {
		t.Errorf("%s connections of a peer, want 2", got)
	}
	if table := rowsOf(v, "connections"); len(table.Rows) != 16 || table.Rows[0].Cells[0].String() != "w1" {
		t.Errorf("%d rows, the first of %s; want 16, and the oldest first, which is w1's", len(table.Rows), table.Rows[0].Cells[0])
	}
}

// pair is a connection over TCP, of which the first end has been accepted.
func pair(tb testing.TB) (accepted, made net.Conn) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	made, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	accepted, err = ln.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _, _ = made.Close(), accepted.Close() })
	return accepted, made
}

// TestWhatTheKernelKnows has a peer that does not take what it is sent, and one
// that has gone.
func TestWhatTheKernelKnows(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is asked")
	}
	slow, _ := pair(t)
	_ = slow.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for _, err := slow.Write(make([]byte, 1<<20)); err == nil; _, err = slow.Write(make([]byte, 1<<20)) {
	}
	left, client := pair(t)
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	if _, err := left.Read(make([]byte, 10)); err != nil { // it has arrived, and what follows with it
		t.Fatal(err)
	}
	_, _ = left.Read(make([]byte, 10))
	all := append(many(20), pages.Conn{Server: "api", State: pages.ConnActive, Since: time.Now(), Socket: slow}, pages.Conn{Server: "api", State: pages.ConnActive, Since: time.Now(), Socket: left})
	page := pages.Connections(func() []pages.Conn { return all }, nil)
	first := asked(t, page, "sort=-queue&n=1")
	if got, want := rowsOf(first, "connections").Rows[0].Cells[0].String(), slow.RemoteAddr().String(); got != want {
		t.Errorf("the longest queue is that of %s, want %s", got, want)
	}
	peer := left.RemoteAddr().String()
	v := asked(t, page, "q="+url.QueryEscape(peer))
	if got := value(t, v, "connections", peer, "state"); got.String() != "peer has gone" || got.State != data.Look {
		t.Errorf("the one whose peer has gone is %q", got)
	}
	if got := value(t, v, "connections", peer, "in").String(); got != "5" {
		t.Errorf("%s bytes have come, want 5", got)
	}
	_ = left.Close()
	if got := value(t, asked(t, page, "q="+url.QueryEscape(peer)), "connections", peer, "rtt"); got.Value != nil {
		t.Errorf("of one that is closed the kernel knows %v", got)
	}
}

func ExampleFiles() {
	none := func() map[string]syscall.Conn { return nil }
	page := pages.Files(func() []pages.Conn { return nil }, none, nil)
	fmt.Println(page.Path, page.Cost)
	// Output: files costly
}

func TestFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		page := pages.Files(func() []pages.Conn { return nil }, func() map[string]syscall.Conn { return nil }, nil)
		if _, err := page.Run(t.Context(), nil); err == nil {
			t.Error("no error, want what is missing")
		}
		return
	}
	accepted, made := pair(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	log, err := os.Create(t.TempDir() + "/<odd>.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	conns := func() []pages.Conn {
		return []pages.Conn{
			{Server: "<b>api", State: pages.ConnIdle, Since: time.Now().Add(-time.Minute), Socket: accepted},
			{Service: "bank", State: pages.ConnKept, Since: time.Now(), Socket: made},
		}
	}
	page := pages.Files(conns, func() map[string]syscall.Conn { return map[string]syscall.Conn{"<b>api": ln.(syscall.Conn)} }, nil)
	for query, want := range map[string]string{
		accepted.RemoteAddr().String(): "connection client of <b>api idle",
		"bank":                         "connection service bank kept",
		"listener":                     "listener server <b>api ",
		"<odd>.log":                    "file  ",
	} {
		rows := rowsOf(asked(t, page, "q="+url.QueryEscape(query)), "files").Rows
		if len(rows) != 1 {
			t.Errorf("%q: %d rows, want 1: %+v", query, len(rows), rows)
			continue
		}
		if c := rows[0].Cells; c[1].String()+" "+c[3].String()+" "+c[4].String() != want {
			t.Errorf("%q: %q %q %q, want %q", query, c[1], c[3], c[4], want)
		}
	}
	if rows := rowsOf(asked(t, page, "sort=-age&n=1"), "files").Rows; len(rows) != 1 || rows[0].Cells[2].String() != accepted.RemoteAddr().String() {
		t.Errorf("the oldest is %+v, want the one that is a minute old", rows)
	}
	v := merged(t, look(t, page), look(t, page))
	if got := value(t, v, "kinds", "connection, service bank", "count").String(); got != "2" {
		t.Errorf("%s connections to the bank in two processes, want 2", got)
	}
	n, err := strconv.Atoi(figure(v, "open").String())
	if err != nil || n < 8 {
		t.Errorf("%d are open, %v", n, err)
	}
}

// none has no requests.
func none() []*requests.Recorder { return nil }

// BenchmarkConnections shows what a look costs with many of them.
func BenchmarkConnections(b *testing.B) {
	accepted, _ := pair(b)
	all := many(10_000)
	for i := range all {
		all[i].Socket = accepted
	}
	page := pages.Connections(func() []pages.Conn { return all }, none)
	for _, query := range []string{"sort=-age", "sort=-queue", "q=127.0.0.1", "n=2000"} {
		b.Run(query, func(b *testing.B) {
			q, err := url.ParseQuery(query)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				got, err := page.Run(b.Context(), q)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := data.Encode(data.From(page.Title, got)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
