package accept_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/stats"
)

const long = 10 * time.Second // for what must happen, on a busy machine

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// server serves HTTP through a Queue. Its handler says "ok"; for /hold, when it
// is released.
type server struct {
	t       *testing.T
	queue   *accept.Queue
	reg     *stats.Registry
	release chan struct{}
	held    atomic.Int64 // handlers that wait
}

func serve(t *testing.T, limits accept.Limits) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, ln, limits)
}

func serveOn(t *testing.T, ln net.Listener, limits accept.Limits) *server {
	s := &server{t: t, reg: new(stats.Registry), release: make(chan struct{})}
	s.queue = accept.NewQueue(ln, limits, s.reg, quiet())
	h := &http.Server{ReadHeaderTimeout: long, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			s.held.Add(1)
			defer s.held.Add(-1)
			<-s.release
		}
		fmt.Fprint(w, "ok")
	})}
	s.queue.Hook(h)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = h.Serve(s.queue)
	}()
	t.Cleanup(func() {
		_ = h.Close()
		_ = s.queue.Close()
		<-over
	})
	return s
}

func (s *server) eventually(wrong string, condition func() bool) {
	s.t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	deadline := time.After(long)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			s.t.Fatalf("%s: %+v", wrong, s.queue.State())
		}
	}
}

func (s *server) refused(reason accept.Reason) int64 {
	return s.reg.Counter("accept.refused", "reason", reason.String()).Value()
}

// client is one connection.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (s *server) dial() *client {
	s.t.Helper()
	c, err := net.Dial(s.queue.Addr().Network(), s.queue.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(long))
	return &client{c, s.t, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) get(path string) {
	c.t.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
}

// answers wants a status code.
func (c *client) answers(want int) {
	c.t.Helper()
	if got := c.answer(); got != want {
		c.t.Fatalf("got %d; want %d", got, want)
	}
}

// answer is a status code.
func (c *client) answer() int {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode == 503 && resp.Header.Get("Retry-After") == "" {
		c.t.Error("503 without Retry-After")
	}
	return resp.StatusCode
}

// TestWaiting fills the active places and the room.
func TestWaiting(t *testing.T) {
	s := serve(t, accept.Limits{Active: 2, Waiting: 2, MaxWait: long})
	var clients []*client
	for range 2 {
		c := s.dial()
		c.get("/hold")
		clients = append(clients, c)
	}
	s.eventually("two are not active", func() bool { return s.held.Load() == 2 })
	for i := range 2 {
		c := s.dial()
		c.get("/hold")
		clients = append(clients, c)
		s.eventually("nobody waits", func() bool { return s.queue.Waiting() == i+1 })
	}
	s.eventually("nobody has waited for any time", func() bool { return s.queue.State().Oldest > time.Millisecond })
	fifth := s.dial()
	fifth.get("/")
	fifth.answers(503)
	if n := s.refused(accept.Full); n != 1 || s.held.Load() != 2 {
		t.Errorf("%d refused, %d active; want 1, 2", n, s.held.Load())
	}
	close(s.release)
	for _, c := range clients {
		c.answers(200)
	}
	if q := s.queue.State(); q.Oldest != 0 {
		t.Errorf("nobody waits, for %v", q.Oldest)
	}
	if r := s.queue.Refused(); len(r) != 1 || r[0].Reason != accept.Full || r[0].Waiting != 2 || r[0].Active != 2 || r[0].Peer == "" {
		t.Errorf("recorded %+v", r)
	}
}

// TestKept has idle kept connections, which take nobody's place.
func TestKept(t *testing.T) {
	s := serve(t, accept.Limits{Active: 1, Waiting: 1, MaxWait: long})
	for range 10 {
		c := s.dial()
		c.get("/")
		c.answers(200)
		s.eventually("a kept connection is still active", func() bool { return s.queue.State().Active == 0 })
	}
	if n := s.queue.State(); n.Open != 10 {
		t.Errorf("%+v: want 10 open", n)
	}
}

func TestMaxWait(t *testing.T) {
	s := serve(t, accept.Limits{Active: 1, MaxWait: 20 * time.Millisecond})
	first := s.dial()
	first.get("/hold")
	s.eventually("nobody is active", func() bool { return s.held.Load() == 1 })
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + strings.Repeat("x", 70000)} {
		c := s.dial()
		c.send(request)
		c.answers(503)
	}
	close(s.release)
	first.answers(200)
	if n := s.refused(accept.Waited); n != 2 {
		t.Errorf("%d refused since they had waited, want 2", n)
	}
}

// TestDoor is a queue that is told that nobody is wanted.
func TestDoor(t *testing.T) {
	tests := map[string]struct {
		request string
		answer  string // how it begins
		refused int64
	}{
		"GET":                   {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 503 ", 1},
		"HEAD":                  {"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 503 ", 1},
		"TLS":                   {"\x16\x03\x01\x00\x05hello", "\x15\x03\x01\x00\x02\x02\x50", 1},
		"POST goes on":          {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 ", 0},
		"two requests go on":    {"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", 0},
		"nonsense goes on":      {"hello\r\n\r\n", "HTTP/1.1 400 ", 0},
		"a body in a GET too":   {"GET / HTTP/1.1\r\nHost: x\r\nContent-length: 0\r\n\r\n", "HTTP/1.1 200 ", 0},
		"a long header as well": {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n", "HTTP/1.1 200 ", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var waits atomic.Int64
			s := serve(t, accept.Limits{
				Room:  func() int { return 0 },
				Group: accept.Group{Wait: func(n int) { waits.Add(int64(n)) }},
			})
			c := s.dial()
			c.send(test.request)
			got := make([]byte, len(test.answer))
			if n, err := io.ReadFull(c.r, got); err != nil || string(got) != test.answer {
				t.Fatalf("got %q, %v; want %q", got[:n], err, test.answer)
			}
			s.eventually("not counted", func() bool { return s.refused(accept.Busy) == test.refused })
			if n := waits.Load(); n != 0 {
				t.Errorf("%d wait for ever", n)
			}
		})
	}
}

// TestDoorOpens lets some in that came while it was shut, and says nothing for a
// while: they are given to the server.
func TestDoorOpens(t *testing.T) {
	var room atomic.Int64
	s := serve(t, accept.Limits{Room: func() int { return int(room.Load()) }})
	silent := s.dial()
	c := s.dial()
	c.get("/")
	c.answers(503)
	silent.get("/") // its server has it by now, or the door still
	if got := silent.answer(); got != 200 && got != 503 {
		t.Errorf("got %d, want 200 or 503", got)
	}
	room.Store(100)
	c = s.dial()
	c.get("/")
	c.answers(200)
}

// TestSiblings has two queues on one socket, of which one is shut: all that come
// are served by the other.
func TestSiblings(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	other, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	group := accept.Group{Siblings: true}
	shut := serveOn(t, ln, accept.Limits{Room: func() int { return 0 }, Group: group})
	open := serveOn(t, other, accept.Limits{Room: func() int { return 100 }, Group: group})
	const many = 200
	for range many {
		c := open.dial()
		c.get("/")
		if got := c.answer(); got != 200 && got != 503 {
			t.Errorf("got %d, want 200, or 503 if the other one had no processor for a millisecond", got)
		}
		_ = c.Close()
	}
	if n := shut.refused(accept.Busy); n > many/10 {
		t.Errorf("%d of %d refused by the one that was shut", n, many)
	}
}

// TestCloseServes has the queue closed while some wait: they are served.
func TestCloseServes(t *testing.T) {
	s := serve(t, accept.Limits{Active: 1, MaxWait: long})
	clients := []*client{s.dial()}
	clients[0].get("/hold")
	s.eventually("nobody is active", func() bool { return s.held.Load() == 1 })
	for i := range 5 {
		c := s.dial()
		c.get("/")
		clients = append(clients, c)
		s.eventually("nobody waits", func() bool { return s.queue.Waiting() == i+1 })
	}
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients[1:] {
		c.answers(200)
	}
	close(s.release)
	clients[0].answers(200)
}

func TestSilent(t *testing.T) {
	s := serve(t, accept.Limits{Silent: 20 * time.Millisecond})
	spoken := s.dial()
	spoken.get("/")
	spoken.answers(200)
	silent := s.dial()
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("got something, want the connection closed")
	}
	if n := s.reg.Counter("accept.silent").Value(); n != 1 {
		t.Errorf("counted %d silent connections, want 1", n)
	}
	spoken.get("/")
	spoken.answers(200)
}

// TestCloseIdle leaves those alone that have had a request since the last call.
func TestCloseIdle(t *testing.T) {
	s := serve(t, accept.Limits{})
	var clients []*client
	for range 3 {
		c := s.dial()
		c.get("/")
		c.answers(200)
		clients = append(clients, c)
	}
	settled := func() {
		t.Helper()
		s.eventually("still active", func() bool { return s.queue.State().Active == 0 })
	}
	settled()
	if n := s.queue.CloseIdle(3); n != 0 {
		t.Errorf("the first call has closed %d, want none", n)
	}
	clients[1].get("/")
	clients[1].answers(200)
	settled()
	if n := s.queue.CloseIdle(3); n != 2 {
		t.Errorf("it has closed %d, want those 2 that were not in use", n)
	}
	clients[1].get("/")
	clients[1].answers(200)
	settled()
	s.queue.CloseIdle(3)
	if n := s.queue.CloseIdle(3); n != 1 {
		t.Errorf("it has closed %d, want the last one, which is idle as well now", n)
	}
}

// TestOpen closes who has been idle for longest when there are too many.
func TestOpen(t *testing.T) {
	s := serve(t, accept.Limits{Open: 3})
	var clients []*client
	for range 3 {
		c := s.dial()
		c.get("/")
		c.answers(200)
		clients = append(clients, c)
		s.eventually("still active", func() bool { return s.queue.State().Active == 0 })
	}
	clients[0].get("/")
	clients[0].answers(200)
	s.eventually("still active", func() bool { return s.queue.State().Active == 0 })
	fourth := s.dial()
	fourth.get("/hold")
	if _, err := clients[1].r.ReadByte(); err != io.EOF {
		t.Errorf("who was idle for longest: got %v, want EOF", err)
	}
	for _, c := range []*client{clients[0], clients[2]} {
		c.get("/hold")
	}
	s.eventually("not all are active", func() bool { return s.held.Load() == 3 })
	if fifth, err := net.Dial("tcp", s.queue.Addr().String()); err == nil { // it may be reset before Dial returns
		_ = fifth.SetDeadline(time.Now().Add(long))
		if _, err := fifth.Read(make([]byte, 1)); err == nil {
			t.Error("a fourth active connection was let in")
		}
		_ = fifth.Close()
	}
	if n := s.refused(accept.Open); n != 1 {
		t.Errorf("%d refused, want 1", n)
	}
	close(s.release)
}

// TestUnix is the door of a unix socket.
func TestUnix(t *testing.T) {
	ln, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	s := serveOn(t, ln, accept.Limits{Room: func() int { return 0 }})
	c := s.dial()
	c.get("/")
	c.answers(503)
}

// TestPending makes room while a connection has a request that nobody has read
// yet: another one goes.
func TestPending(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	q := accept.NewQueue(ln, accept.Limits{Open: 2, Silent: -1}, nil, quiet())
	defer q.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(long))
		return c
	}
	first := dial()
	if _, err := io.WriteString(first, "hello"); err != nil {
		t.Fatal(err)
	}
	second, third := dial(), dial()
	for range 3 {
		c, err := q.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if _, err := second.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // it is to be that one
		t.Errorf("who has said nothing: got %v, want EOF", err)
	}
	_ = third
	if n := q.State().Open; n != 2 {
		t.Errorf("%d are open, want 2", n)
	}
	if n := q.CloseIdle(2); n != 0 {
		t.Errorf("closed %d, want none of those that may have just come", n)
	}
	if n := q.CloseIdle(2); n != 1 {
		t.Errorf("closed %d, want the third only", n)
	}
}
