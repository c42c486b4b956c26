package support_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/support-go/support"
)

// flood is an HTTP/2 client that does what it should not, until it is told to
// go or a while is over. It reads what it is told, if it listens.
func flood(t *testing.T, addr net.Addr, listens bool, send func(f *http2.Framer, n uint32) error) {
	t.Helper()
	conn := dial(t, addr).Conn
	many := bufio.NewWriterSize(conn, 32<<10) // frames in one segment
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	if listens {
		go func() {
			defer close(ended)
			_, _ = io.Copy(io.Discard, conn) // until the server has enough
		}()
	} else {
		close(ended)
	}
	f := http2.NewFramer(many, nil)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for n := uint32(0); ; n++ {
		err := send(f, n)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			t.Error("the flood was not ended")
			fallthrough
		case err != nil:
			_ = conn.Close()
			<-ended
			return
		}
	}
}

// fields is the header of a request.
func fields(path string) []byte {
	var block strings.Builder
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", "x"}, {":path", path}} {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}) // to memory
	}
	return []byte(block.String())
}

// TestS5Floods are those of HTTP/2, each beside a client that is well behaved:
// ended, and counted by kind.
func TestS5Floods(t *testing.T) {
	t.Parallel()
	open := func(f *http2.Framer, stream uint32, path string, whole bool) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: fields(path), EndHeaders: true, EndStream: whole})
	}
	reset := func(f *http2.Framer, n uint32) error {
		return errors.Join(open(f, 2*n+1, "/hold", true), f.WriteRSTStream(2*n+1, http2.ErrCodeCancel))
	}
	ping := func(f *http2.Framer, _ uint32) error { return f.WritePing(false, [8]byte{}) }
	settings := func(f *http2.Framer, _ uint32) error { return f.WriteSettings() }
	floods := map[string]struct {
		send    func(f *http2.Framer, n uint32) error
		listens bool
		stall   time.Duration // default 2 s, with a look each 200 ms
		kinds   []string      // one of which is counted once
	}{
		"resets": {reset, true, 0, []string{"http2"}},
		"continuations": {func(f *http2.Framer, n uint32) error {
			if n == 0 {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fields("/"), EndStream: true})
			}
			return f.WriteContinuation(1, false, append([]byte{0x40, 1, 'x', 100}, make([]byte, 100)...))
		}, true, 0, []string{"http2"}},
		"too many streams": {func(f *http2.Framer, n uint32) error { return open(f, 2*n+1, "/hold", true) }, true, 0, []string{"http2", "noise"}},
		"pings":            {ping, true, 0, []string{"noise"}},
		"settings":         {settings, true, 0, []string{"noise"}},
		"pings, deaf":      {ping, false, -1, []string{"flood"}}, // which net/http ends by itself
		"settings, deaf":   {settings, false, 0, []string{"noise"}},
		"priorities": {func(f *http2.Framer, _ uint32) error {
			return f.WritePriority(1, http2.PriorityParam{StreamDep: 3})
		}, true, 0, []string{"noise"}},
		"windows": {func(f *http2.Framer, n uint32) error {
			if n == 0 {
				return open(f, 1, "/hold", false)
			}
			return f.WriteWindowUpdate(1, 1)
		}, true, 0, []string{"noise"}},
		"empty bodies": {func(f *http2.Framer, n uint32) error {
			if n == 0 {
				return open(f, 1, "/hold", false)
			}
			return f.WriteData(1, false, nil)
		}, true, 0, []string{"noise"}},
	}
	for name, test := range floods {
		t.Run(name, func(t *testing.T) {
			group := support.New("floods")
			release := make(chan struct{})
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/hold" {
					<-release
				}
				fmt.Fprint(w, "ok")
			}))
			server.HTTP.Stall = cmp.Or(test.stall, 2*time.Second)
			r := start(t, group)
			enough := make(chan struct{})
			result := probe(server.Addr(), enough)
			flood(t, server.Addr(), test.listens, test.send)
			if most := group.Gate().State().Running; most > 102 {
				t.Errorf("%d handlers run, want the 100 of one connection", most)
			}
			close(enough)
			// A hundred that wait in one connection have the gate find out first that
			// they do not compute.
			if p := <-result; p.refused > len(p.took)/5 || p.p99() > 5*time.Second {
				t.Errorf("of another client %d of %d requests were refused, p99 %v", p.refused, len(p.took), p.p99())
			}
			close(release)
			eventually(t, "not counted", func() bool {
				n := int64(0)
				for _, kind := range test.kinds {
					n += abuse(group, kind)
				}
				return n == 1
			})
			r.stop()
			_ = r.end()
		})
	}
	t.Run("by net/http's name", func(t *testing.T) {
		group := support.New("named")
		release := make(chan struct{})
		server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		r := start(t, group)
		flood(t, server.Addr(), true, reset)
		close(release)
		if n := group.Stats.Counter("http.http2_errors", "kind", "conn_ENHANCE_YOUR_CALM_too_many_early_resets").Value(); n != 1 {
			t.Errorf("counted %d floods of resets, want 1", n)
		}
		r.logs.has(t, "http2: server connection error", "times=1")
		r.stop()
		_ = r.end()
	})
}

// TestS5HonestClients send much that a flood is made of, and are left alone.
func TestS5HonestClients(t *testing.T) {
	t.Parallel()
	group := support.New("honest")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(make([]byte, n))
	}))
	server.HTTP.Stall = stall // with a look each 30 ms
	r := start(t, group)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	for _, size := range []int{0, 1, 100, 32 << 20} { // the last one with many updates of windows
		for range min(2000, 64<<20/(size+1)) {
			resp, err := client.Post("http://"+server.Addr().String(), "text/plain", strings.NewReader(strings.Repeat("x", size)))
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || n != int64(size) {
				t.Fatalf("%d of %d bytes came back: %v", n, size, err)
			}
		}
	}
	for _, kind := range []string{"noise", "flood", "http2", "slow_reader", "slow_body", "crowd"} {
		if n := abuse(group, kind); n != 0 {
			t.Errorf("%d connections were ended as %s", n, kind)
		}
	}
	transport.CloseIdleConnections()
	r.stop()
	r.endsWell()
}
