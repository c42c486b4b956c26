package support_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/logs/access"
	"github.com/support-go/support/stats"
)

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
	eventually(t, "not counted", func() bool { return abuse(group, "large_header") == int64(len(requests)) })
	r.stop()
	_ = r.end()
}

// TestS3Memory has a thousand connections send headers that are too large, and
// wants none of it kept.
func TestS3Memory(t *testing.T) {
	if race {
		t.Skip("it measures memory")
	}
	group := support.New("bombs")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.HTTP.HeaderBytes = 16 << 10
	r := start(t, group)
	bomb := "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10)
	before := heap()
	for range 1000 {
		c := dial(t, server.Addr())
		_, _ = io.WriteString(c, bomb) // of which the end may not be wanted
		_ = c.Close()
	}
	eventually(t, "not all are counted", func() bool { return abuse(group, "large_header")+abuse(group, "malformed") >= 900 })
	if grown := heap() - before; grown > 10<<20 {
		t.Errorf("%d KiB are kept of headers that were too large", grown>>10)
	}
	r.stop()
	_ = r.end()
}

// heap is what lives in memory.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestS4Bodies sends too much: said beforehand, in chunks, and small until it is
// decompressed.
func TestS4Bodies(t *testing.T) {
	const limit = 1 << 20
	group := support.New("bodies")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			plain, err := gzip.NewReader(body)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			body = http.MaxBytesReader(w, plain, limit) // of what comes out
		}
		_, err := io.Copy(io.Discard, body)
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}))
	server.HTTP.BodyBytes = limit
	r := start(t, group)
	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	for range 16 {
		_, _ = packed.Write(make([]byte, 1<<20)) // to memory
	}
	_ = packed.Close()
	tests := map[string]struct {
		body   io.Reader
		coding string
		want   int
	}{
		"as long as may be":   {bytes.NewReader(make([]byte, limit)), "", 200},
		"said to be too long": {bytes.NewReader(make([]byte, limit+1)), "", 413},
		"in chunks":           {io.LimitReader(zeros{}, 100<<20), "", 413},
		"a bomb":              {bytes.NewReader(bomb.Bytes()), "gzip", 413},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+server.Addr().String(), test.body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Encoding", test.coding)
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			resp, err := transport.RoundTrip(request)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != test.want {
				t.Errorf("got %d, want %d", resp.StatusCode, test.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
				t.Errorf("it took %d KiB", n>>10)
			}
		})
	}
	if n := abuse(group, "large_body"); n != 1 {
		t.Errorf("counted %d bodies as too long, want the one that said so", n)
	}
	r.stop()
	r.endsWell()
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

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
	malformed := int64(0)
	for _, test := range tests {
		if test.want >= 400 && test.want != 500 { // which is the handler's
			malformed++
		}
	}
	eventually(t, "not counted", func() bool { return abuse(group, "malformed") == malformed })
	r.stop()
	_ = r.end()
}

// TestS10Connections opens twice as many connections as there may be: meta
// answers, and when they have gone so does the server.
func TestS10Connections(t *testing.T) {
	group := support.New("many")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.Overload.Accept.Open = 100
	group.Drain.LameDuck = time.Millisecond
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
	group := support.New("idle")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.Overload.Accept.Open = 500
	r := start(t, group)
	good, each, many := 100, 20, 5000
	if race {
		good, each, many = 20, 20, 1000 // which is slow enough
	}
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		for range many {
			c, err := net.Dial("tcp", server.Addr().String())
			if err != nil {
				continue // it was reset at once
			}
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
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
					if failed++; failed < 10 {
						t.Logf("a request failed: %v, %+v", err, resp)
					}
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

// TestS13Collisions uses names that are one in the last bits of FNV-1a, as
// somebody would choose them who knows the hash. What clients name is kept in
// tables with a key of their own in each process.
func TestS13Collisions(t *testing.T) {
	const many, alike = 200, 1<<10 - 1
	var colliding, others []string
	for i := 0; len(colliding) < many; i++ {
		name := fmt.Sprintf("/%x", i)
		h := uint64(14695981039346656037)
		for _, b := range []byte(name) {
			h = (h ^ uint64(b)) * 1099511628211
		}
		switch {
		case h&alike == 0:
			colliding = append(colliding, name)
		case len(others) < many:
			others = append(others, name)
		}
	}
	best := func(names []string) time.Duration {
		least := time.Hour
		for range 20 {
			start := time.Now()
			reg := new(stats.Registry)
			for range 10 {
				for _, name := range names {
					reg.Counter("hits", "path", name).Add(1)
				}
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	a, b := best(others), best(colliding)
	t.Logf("%v, and %v for names that collide", a, b)
	if b > 4*a {
		t.Errorf("names that collide took %v, others %v", b, a)
	}
}

// TestS15SpoofedAddress claims to come from elsewhere, and is believed neither in
// the log nor in what is shown of requests.
func TestS15SpoofedAddress(t *testing.T) {
	group := support.New("spoofed")
	group.Logs.Access = new(access.Log)
	hold := newHolding()
	server := group.HTTP("127.0.0.1:0", hold)
	r := start(t, group)
	c := dial(t, server.Addr())
	c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\r\n")
	receive(t, "request", hold.called)
	shown := fmt.Sprintf("%+v", server.Requests().Running().Running)
	if !strings.Contains(shown, "127.0.0.1") || strings.Contains(shown, "6.6.6.6") {
		t.Errorf("the request is shown as %s", shown)
	}
	close(hold.release)
	c.gets("ok")
	r.logs.has(t, "GET", "peer=127.0.0.1:")
	if strings.Contains(r.logs.String(), "6.6.6.6") {
		t.Errorf("the log believes the client:\n%s", r.logs)
	}
	// The PROXY protocol is not spoken, so that it is no request.
	proxied := dial(t, server.Addr())
	proxied.send("PROXY TCP4 6.6.6.6 1.1.1.1 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if r, _ := proxied.answer(); r.StatusCode != 400 {
		t.Errorf("got %d for PROXY, want 400", r.StatusCode)
	}
	_ = c.Close()
	r.stop()
	r.endsWell()
}
