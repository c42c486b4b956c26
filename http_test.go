package support_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support"
)

// TestHTTPTimeouts has clients that are too slow, and limits that are short.
func TestHTTPTimeouts(t *testing.T) {
	const short = 100 * time.Millisecond
	tests := map[string]struct {
		limits support.HTTP
		do     func(c *client)
	}{
		"says nothing":        {support.HTTP{HeaderTimeout: short, IdleTimeout: never}, func(*client) {}},
		"half a header":       {support.HTTP{HeaderTimeout: short, IdleTimeout: never}, func(c *client) { c.send("GET / HTTP/1.1\r\nHo") }},
		"half a preface":      {support.HTTP{HeaderTimeout: short, IdleTimeout: never}, func(c *client) { c.send("PRI * HTTP/2.0\r\n\r\n") }},
		"idle":                {support.HTTP{HeaderTimeout: never, IdleTimeout: short}, func(c *client) { c.get("/"); c.answer() }},
		"half of a second":    {support.HTTP{HeaderTimeout: short, IdleTimeout: never}, func(c *client) { c.get("/"); c.answer(); c.send("GET / H") }},
		"idle, then dribbles": {support.HTTP{HeaderTimeout: short, IdleTimeout: short}, func(c *client) { c.get("/"); c.answer(); c.send("G") }},
	}
	group := support.New("slow")
	servers := map[string]*support.Server{}
	for name, test := range tests {
		servers[name] = group.HTTP("127.0.0.1:0", handler())
		servers[name].HTTP = test.limits
	}
	r := start(t, group)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			c := dial(t, servers[name].Addr())
			test.do(c)
			c.closesSomehow()
			if early := short - time.Since(begun); early > 0 {
				t.Errorf("closed %v too early", early)
			}
		})
	}
	r.stop()
	r.endsWell()
}

// closesSomehow wants the connection to be closed, whatever comes before.
func (c *client) closesSomehow() {
	c.t.Helper()
	if _, err := io.Copy(io.Discard, c.r); errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Error("the connection stays open")
	}
}

func TestHTTPHeaderSize(t *testing.T) {
	group := support.New("headers")
	normal, small := group.HTTP("127.0.0.1:0", handler()), group.HTTP("127.0.0.1:0", handler())
	small.HTTP.HeaderBytes = 1 << 10
	r := start(t, group)
	const slack = 4 << 10 // that net/http allows
	tests := map[string]struct {
		server *support.Server
		bytes  int
		want   int
	}{
		"default, below":     {normal, 60 << 10, 200},
		"default, above":     {normal, 64<<10 + slack, 431},
		"default, far above": {normal, 1 << 20, 431},
		"1 KiB, below":       {small, 900, 200},
		"1 KiB, above":       {small, 1<<10 + slack, 431},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, test.server.Addr())
			go func() { // the answer may come before all has been read
				_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX: "+strings.Repeat("x", test.bytes)+"\r\n\r\n")
			}()
			resp, _ := c.answer()
			if resp.StatusCode != test.want {
				t.Errorf("a header of %d bytes: got %d, want %d", test.bytes, resp.StatusCode, test.want)
			}
		})
	}
	r.stop()
	r.endsWell()
}

// TestHTTPStreamsMayLast sends and receives for longer than all time-outs.
func TestHTTPStreamsMayLast(t *testing.T) {
	const limit = 30 * time.Millisecond
	const pause, rounds = 20 * time.Millisecond, 10
	group := support.New("lasting")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, " ", err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for i := range rounds {
			<-tick.C
			fmt.Fprintf(w, "data: %d\n\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
		}
	}))
	server.HTTP = support.HTTP{HeaderTimeout: limit, IdleTimeout: limit}
	r := start(t, group)
	t.Run("server-sent events", func(t *testing.T) {
		_, body := fetch(t, "http://"+server.Addr().String())
		if got := strings.Count(body, "data: "); got != rounds {
			t.Errorf("got %d events, want %d", got, rounds)
		}
	})
	t.Run("a slow body", func(t *testing.T) {
		c := dial(t, server.Addr())
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n", rounds))
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for range rounds {
			<-tick.C
			c.send("x")
		}
		if _, body := c.answer(); body != fmt.Sprint(rounds, " <nil>") {
			t.Errorf("got %q, want all %d bytes", body, rounds)
		}
	})
	r.stop()
	r.endsWell()
}

// TestHTTPSendsFiles serves a file, and one byte of it, which net/http hands to
// the connection's ReadFrom.
func TestHTTPSendsFiles(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 1<<16)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	group := support.New("files")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }))
	r := start(t, group)
	if _, body := fetch(t, "http://"+server.Addr().String()); body != content {
		t.Errorf("got %d bytes, want the %d of the file", len(body), len(content))
	}
	c := dial(t, server.Addr())
	c.send("GET / HTTP/1.1\r\nHost: test\r\nRange: bytes=17-17\r\n\r\n")
	if resp, body := c.answer(); resp.StatusCode != http.StatusPartialContent || body != "1" {
		t.Errorf("got %d, %q; want the 18th byte", resp.StatusCode, body)
	}
	_ = c.Close()
	r.stop()
	r.endsWell()
}

// TestHTTPPanic ends one connection and nothing else.
func TestHTTPPanic(t *testing.T) {
	group := support.New("panicking")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("as told")
		}
	}))
	r := start(t, group)
	kept, c := dial(t, server.Addr()), dial(t, server.Addr())
	kept.get("/")
	kept.answer()
	c.get("/panic")
	c.closes()
	r.logs.has(t, "level=WARN", "as told", "server=127.0.0.1:0")
	kept.get("/")
	kept.answer()
	_ = kept.Close()
	r.stop()
	r.endsWell()
}

// TestHTTPHalfClosed answers a client that has closed its sending side.
func TestHTTPHalfClosed(t *testing.T) {
	group := support.New("half")
	server := group.HTTP("127.0.0.1:0", handler())
	r := start(t, group)
	c := dial(t, server.Addr())
	c.get("/")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, body := c.answer(); body != "ok" {
		t.Errorf("got %q, want ok", body)
	}
	c.closes()
	r.stop()
	r.endsWell()
}
