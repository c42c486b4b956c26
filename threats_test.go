package support_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/support-go/support"
)

// probe asks a server again and again until stop is called, which returns how
// long the answers took, from the shortest to the longest. Of those,
// one in three may be a refusal, as there may be 1,024 requests at once.
func probe(t *testing.T, addr net.Addr) (stop func() []time.Duration) {
	t.Helper()
	over, result := make(chan struct{}), make(chan []time.Duration, 1)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		var took []time.Duration
		refused := 0
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		for {
			select {
			case <-again.C:
			case <-over:
				if refused*3 > len(took) {
					t.Errorf("%d of %d answers to another client were refusals", refused, len(took))
				}
				slices.Sort(took)
				result <- took
				return
			}
			start := time.Now()
			resp, err := client.Get("http://" + addr.String())
			if err != nil { // on a machine so busy that it has missed its time
				refused++
				continue
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				refused++
			}
			took = append(took, time.Since(start))
		}
	}()
	return func() []time.Duration {
		close(over)
		return <-result
	}
}

// TestSlowClients is S1 and S2: a thousand connections of each kind that
// slowhttptest knows, while another client is served as if nothing was.
func TestSlowClients(t *testing.T) {
	if _, err := exec.LookPath("slowhttptest"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("install slowhttptest (Debian: apt-get install slowhttptest)")
	}
	modes := map[string][]string{
		"slow headers": {"-H"},
		"slow bodies":  {"-B", "-s", "8192"},
		"ranges":       {"-R"},
		"slow readers": {"-X", "-w", "10", "-y", "20", "-n", "1", "-z", "32"},
	}
	large := make([]byte, 1<<20)
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) { // alone: it takes the machine, and others have times to keep
			group := support.New("slow")
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength != 0 {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				if r.Method == http.MethodGet && r.URL.Path == "/large" {
					_, _ = w.Write(large) // its failure is the test
				}
			}))
			server.HTTP = support.HTTP{HeaderTimeout: 2 * time.Second, Stall: 2 * time.Second}
			r := start(t, group)
			stop := probe(t, server.Addr())
			args := append(slices.Clone(mode), "-c", "1000", "-r", "1000", "-l", "3", "-i", "1", "-x", "10",
				"-u", "http://"+server.Addr().String()+"/large")
			if out, err := exec.CommandContext(t.Context(), "slowhttptest", args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			took := stop()
			if len(took) == 0 || took[len(took)/2] > time.Second {
				t.Errorf("%d answers to another client, half of them after %v", len(took), took[len(took)/2:])
			}
			eventually(t, "connections are left", func() bool { return open(group) <= 1 })
			r.stop()
			_ = r.end() // connections may be left, of which it complains
		})
	}
}

// open is how many connections a group has, by its statistics of the ledger.
func open(group *support.Group) int {
	return group.Gate().State().Running
}

// TestS1SlowHandshake sends a byte of a TLS handshake now and then.
func TestS1SlowHandshake(t *testing.T) {
	t.Parallel()
	certificate, _ := newCertificate(t)
	group := support.New("handshake")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.HTTP.HeaderTimeout = 200 * time.Millisecond
	r := start(t, group)
	c := dial(t, server.Addr())
	begun := time.Now()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for _, b := range append([]byte("\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03"), make([]byte, 1000)...) {
		if _, err := c.Write([]byte{b}); err != nil {
			break
		}
		<-again.C
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the handshake was ended after %v, want 200 ms", took)
	}
	eventually(t, "not counted", func() bool { return group.Stats.Counter("accept.unfinished").Value() == 1 })
	r.stop()
	_ = r.end()
}

// TestS3Headers wants an answer to headers that are too large, and many of
// them to take no memory.
func TestS3Headers(t *testing.T) {
	group := support.New("headers")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.HTTP.HeaderBytes = 16 << 10
	r := start(t, group)
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, "x%d: y\r\n", i)
	}
	requests := map[string]string{
		"one large":    "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 24<<10) + "\r\n\r\n",
		"ten thousand": "GET / HTTP/1.1\r\nHost: x\r\n" + many.String() + "\r\n",
		"a long path":  "GET /" + strings.Repeat("x", 24<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, server.Addr())
			go func() { _, _ = io.WriteString(c, request) }() // of which the end may not be wanted
			if r, _ := c.answer(); r.StatusCode != 431 {
				t.Errorf("got %d, want 431", r.StatusCode)
			}
		})
	}
	r.stop()
	_ = r.end()
}

// flood is an HTTP/2 client that does what it should not, until it is told to
// go or a while is over.
func flood(t *testing.T, addr net.Addr, send func(f *http2.Framer, stream uint32) error) error {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	f := http2.NewFramer(conn, conn)
	go func() {
		for {
			frame, err := f.ReadFrame()
			if goaway, ok := frame.(*http2.GoAwayFrame); ok && goaway.ErrCode != http2.ErrCodeNo {
				err = http2.ConnectionError(goaway.ErrCode)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for stream := uint32(1); stream < 400_000; stream += 2 {
		if send(f, stream) != nil {
			break
		}
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		return nil
	}
}

// TestS5Floods are those of HTTP/2, beside a client that is well behaved.
func TestS5Floods(t *testing.T) {
	t.Parallel()
	fields := func(path string) []byte {
		var block strings.Builder
		encoder := hpack.NewEncoder(&block)
		for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "x"}, {":path", path}} {
			_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}) // to memory
		}
		return []byte(block.String())
	}
	floods := map[string]struct {
		send  func(f *http2.Framer, stream uint32) error
		count string // what net/http calls it; "" if it has no name for it
	}{
		"resets": {func(f *http2.Framer, stream uint32) error {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: fields("/hold"), EndHeaders: true, EndStream: true})
			return errors.Join(err, f.WriteRSTStream(stream, http2.ErrCodeCancel))
		}, "conn_ENHANCE_YOUR_CALM_too_many_early_resets"},
		"continuations": {func(f *http2.Framer, stream uint32) error {
			if stream == 1 {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fields("/"), EndStream: true})
			}
			return f.WriteContinuation(1, false, append([]byte{0x40, 1, 'x', 100}, make([]byte, 100)...))
		}, ""},
	}
	for name, test := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := support.New("floods")
			release := make(chan struct{})
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/hold" {
					<-release
				}
				fmt.Fprint(w, "ok")
			}))
			r := start(t, group)
			stop := probe(t, server.Addr())
			if err := flood(t, server.Addr(), test.send); err == nil {
				t.Error("the flood was not ended")
			}
			if most := group.Gate().State().Running; most > 101 {
				t.Errorf("%d handlers run, want the 100 of one connection", most)
			}
			close(release)
			if took := stop(); len(took) > 0 && took[len(took)-1] > 5*time.Second {
				t.Errorf("another client waited for %v", took[len(took)-1])
			}
			if test.count != "" {
				if n := group.Stats.Counter("http.http2_errors", "kind", test.count).Value(); n != 1 {
					t.Errorf("counted %d of %s, want 1", n, test.count)
				}
			}
			r.stop()
			_ = r.end()
		})
	}
}

// TestS6Smuggling is the table of net/http's verdicts on requests that others
// may read in another way.
func TestS6Smuggling(t *testing.T) {
	const get, post = "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: x\r\n"
	tests := map[string]struct {
		request string
		want    int
	}{
		"two lengths":                {post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400},
		"the same length twice":      {post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 200},
		"length with a sign":         {post + "Content-Length: +1\r\n\r\nx", 400},
		"length below none":          {post + "Content-Length: -1\r\n\r\nx", 400},
		"chunked and a length":       {post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200}, // the length is ignored and the connection closed
		"chunked twice":              {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
		"chunked, and something":     {post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 501},
		"chunked, but not quite":     {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
		"a chunk's size with a sign": {post + "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", 500}, // the handler's Read fails
		"no host":                    {get + "\r\n", 400},
		"two hosts":                  {get + "Host: x\r\nHost: y\r\n\r\n", 400},
		"a space before the colon":   {get + "Host: x\r\nX : y\r\n\r\n", 400},
		"a folded line":              {get + "Host: x\r\nX: y\r\n z\r\n\r\n", 200}, // unfolded, as RFC 9112 allows
		"bare line feeds":            {"GET / HTTP/1.1\nHost: x\n\n", 200},         // taken for line ends, as RFC 9112 allows
		"a bare return in a value":   {get + "Host: x\r\nX: a\rb\r\n\r\n", 400},
		"a zero byte":                {get + "Host: x\r\nX: a\x00b\r\n\r\n", 400},
		"version 2.0 in a line":      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
	}
	group := support.New("smuggling")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		if len(r.Header["Content-Length"]) > 0 && len(r.TransferEncoding) > 0 {
			t.Error("a handler sees a length beside chunks")
		}
	}))
	r := start(t, group)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, server.Addr())
			c.send(test.request)
			if r, _ := c.answer(); r.StatusCode != test.want {
				t.Errorf("got %v, want %d", r.StatusCode, test.want)
			}
		})
	}
	r.stop()
	_ = r.end()
}

// TestS10Connections opens twice as many connections as there may be: meta
// answers, and when they have gone so does the server.
func TestS10Connections(t *testing.T) {
	group := support.New("many")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.Overload.Accept.Open = 100
	meta := group.Meta("127.0.0.1:0")
	r := start(t, group)
	var conns []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	if code, _ := fetch(t, "http://"+meta.Addr().String()+"/livez"); code != 200 {
		t.Errorf("meta answers %d", code)
	}
	c := dial(t, server.Addr()) // for which those must make room that have been silent
	c.get("/")
	c.gets("ok")
	for _, c := range conns {
		_ = c.Close()
	}
	r.stop()
	_ = r.end()
}

// TestS11IdleFlood has many idle connections come and stay, among clients that
// are well behaved.
func TestS11IdleFlood(t *testing.T) {
	t.Parallel()
	group := support.New("idle")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.Overload.Accept.Open = 500
	r := start(t, group)
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		for range 2000 {
			c, err := net.Dial("tcp", server.Addr().String())
			if err != nil {
				continue // it was reset at once
			}
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
	const good, each = 20, 50
	var all sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range good {
		all.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for range each {
				resp, err := client.Get("http://" + server.Addr().String())
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				if err != nil || resp.StatusCode != 200 {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	<-idle
	if failed > good*each/1000 {
		t.Errorf("%d of %d requests failed among idle connections, want at most %d", failed, good*each, good*each/1000)
	}
	if n := group.Stats.Counter("accept.evicted").Value(); n == 0 {
		t.Errorf("%d idle connections were closed, want some of the flood", n)
	}
	r.stop()
	_ = r.end()
}

// TestS12Panics wants the places back of handlers that panic.
func TestS12Panics(t *testing.T) {
	group := support.New("panics")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := strconv.Atoi(r.URL.Path[1:]); err == nil {
			panic(n)
		}
		fmt.Fprint(w, "ok")
	}))
	r := start(t, group)
	for i := range 100 {
		c := dial(t, server.Addr())
		c.get("/" + strconv.Itoa(i))
		c.closesSomehow()
	}
	c := dial(t, server.Addr())
	c.get("/")
	c.gets("ok")
	if n := group.Gate().State().Running; n > 1 {
		t.Errorf("%d places are lost", n)
	}
	r.stop()
	_ = r.end()
}
