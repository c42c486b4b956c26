package requests_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

// server is a recorded server on a free port.
type server struct {
	*httptest.Server
	recorder *requests.Recorder
	reg      *stats.Registry
}

func serve(t testing.TB, config requests.Config, handler http.Handler) *server {
	t.Helper()
	s := &server{reg: new(stats.Registry)}
	s.recorder = requests.New(config, s.reg)
	s.Server = httptest.NewUnstartedServer(s.recorder.Handler(handler))
	s.recorder.Hook(s.Config)
	s.Config.ErrorLog = discard()
	return s
}

func (s *server) get(t testing.TB, path string) string {
	t.Helper()
	return s.do(t, http.MethodGet, path, nil)
}

func (s *server) do(t testing.TB, method, path string, body io.Reader) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// start sends a request whose answer comes through the channel; that it fails is
// an empty one.
func (s *server) start(t testing.TB, method, path string, body io.Reader) <-chan string {
	t.Helper()
	answer := make(chan string, 1)
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(answer)
		resp, err := s.Client().Do(r)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err == nil {
			answer <- string(text)
		}
	}()
	return answer
}

// summary waits until the route has as many answers, and returns what is known
// of it.
func (s *server) summary(t testing.TB, route string, count int64) requests.Summary {
	t.Helper()
	var found requests.Summary
	until(t, fmt.Sprintf("%d answers on %q", count, route), func() bool {
		for _, sum := range requests.Summaries(s.reg.Snapshot()) {
			if sum.Route == route {
				found = sum
			}
		}
		return found.Count >= count
	})
	if found.Count != count {
		t.Fatalf("%d answers on %q, want %d", found.Count, route, count)
	}
	return found
}

// one waits until one request runs, and returns it.
func (s *server) one(t testing.TB, is func(requests.Running) bool) requests.Running {
	t.Helper()
	var found requests.Running
	until(t, "one such running request", func() bool {
		for _, r := range s.recorder.Running().Running {
			if is(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

func any1(requests.Running) bool { return true }

// until waits for a condition.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("no %s in 30 s", what)
		}
	}
}

func TestEachRouteIsCounted(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "12345") })
	mux.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) })
	mux.HandleFunc("GET /silent", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /hints", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	})
	s := serve(t, requests.Config{Server: "web"}, mux)
	s.Start()
	defer s.Close()
	for i := range 3 {
		s.get(t, fmt.Sprintf("/users/%d", i))
	}
	s.do(t, http.MethodPost, "/users", strings.NewReader("0123456789"))
	for _, path := range []string{"/broken", "/silent", "/hints", "/nowhere"} {
		s.get(t, path)
	}
	users := s.summary(t, "GET /users/{id}", 3)
	if users.Server != "web" || users.Classes["2xx"] != 3 || users.SentMean != 5 || users.Seconds.Count != 3 || users.Max <= 0 {
		t.Errorf("users: %+v", users)
	}
	posts := s.summary(t, "POST /users", 1)
	if posts.ReceivedMean != 10 || posts.Received.Count != 1 || posts.Classes["2xx"] != 1 {
		t.Errorf("posts: %+v", posts)
	}
	for route, class := range map[string]string{"GET /broken": "5xx", "GET /silent": "2xx", "GET /hints": "2xx", "(none)": "4xx"} {
		if got := s.summary(t, route, 1); got.Classes[class] != 1 {
			t.Errorf("%s: %v, want one %s", route, got.Classes, class)
		}
	}
	snap := s.recorder.Snapshot()
	if len(snap.Recent) != 8 || snap.Recent[0].Path != "/nowhere" || snap.Followed != 1 || len(snap.Slow) != 8 {
		t.Errorf("recent: %+v\nslow: %+v", snap.Recent, snap.Slow)
	}
	if of := s.recorder.Route("GET /users/{id}"); len(of.Recent) != 3 || len(of.Slow) != 3 || len(of.Failed) != 0 {
		t.Errorf("of one route: %+v", of)
	}
	if len(snap.Failed) != 1 || snap.Failed[0].Status != http.StatusBadGateway || snap.Failed[0].Outcome != "failed" {
		t.Errorf("failed: %+v", snap.Failed)
	}
	clients := s.reg.Snapshot().Lookup("http.clients", "server", "web").(*stats.CardinalitySnapshot)
	talkers := s.reg.Snapshot().Lookup("http.talkers", "server", "web").(*stats.TopSnapshot)
	if n := clients.Estimate(); n < 0.9 || n > 1.1 {
		t.Errorf("%.2f clients, want 1", n)
	}
	if low, high := talkers.Bounds("127.0.0.1"); low != 8 || high != 8 {
		t.Errorf("127.0.0.1 has made %d to %d requests, want 8", low, high)
	}
}

func TestSetRoute(t *testing.T) {
	s := serve(t, requests.Config{Routes: 2}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.SetRoute(wrapped{w}, r.URL.Path[1:])
	}))
	s.Start()
	defer s.Close()
	for _, path := range []string{"/a", "/b", "/c", "/d", "/a"} {
		s.get(t, path)
	}
	s.summary(t, "a", 2)
	s.summary(t, "b", 1)
	s.summary(t, stats.Overflow, 2)
	requests.SetRoute(httptest.NewRecorder(), "nobody records this")
}

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestStatesTellWhereTheTimeGoes(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	s := serve(t, requests.Config{}, mux)
	s.Start()
	defer s.Close()
	for range 2 {
		s.do(t, http.MethodPost, "/", strings.NewReader("body"))
	}
	var states *stats.StatesSnapshot
	until(t, "second flush", func() bool {
		states = s.summary(t, "POST /", 2).States
		return states.Count("flushing", "done") == 2
	})
	for _, move := range []struct {
		from, to string
		count    uint64
	}{
		{"", "header", 1}, {"header", "handling", 1}, {"", "handling", 1}, {"handling", "reading", 0},
		{"answering", "flushing", 2}, {"writing", "answering", 2}, {"done", "", 2},
	} {
		got := states.Count(move.from, move.to)
		if got < move.count {
			t.Errorf("%d moves from %q to %q, want %d: %+v", got, move.from, move.to, move.count, states.Moves)
		}
	}
	if n := states.Count("handling", "reading"); n < 2 {
		t.Errorf("%d moves from handling to reading, want 2 at least", n)
	}
}

// TestArrival hands in when requests came, as a queue in front would.
func TestArrival(t *testing.T) {
	reg := new(stats.Registry)
	rec := requests.New(requests.Config{}, reg)
	h := rec.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	now := time.Now()
	w := arrived{wrapped{httptest.NewRecorder()}, requests.Arrival{
		Kernel: now.Add(-10 * time.Second), Taken: now.Add(-6 * time.Second),
		Served: now.Add(-3 * time.Second), Secured: now.Add(-time.Second),
	}}
	h.ServeHTTP(wrapped{w}, httptest.NewRequest(http.MethodGet, "/", nil))
	states := requests.Summaries(reg.Snapshot())[0].States
	for state, want := range map[string]float64{"backlog": 4, "queue": 3, "handshake": 2, "header": 1} {
		if got := states.State(state).Stays.Sum; got < want-0.001 || got > want+5 {
			t.Errorf("%s took %.3f s, want %v", state, got, want)
		}
	}
	if states.Count("backlog", "queue") != 1 || states.Count("header", "handling") != 1 {
		t.Errorf("moves: %+v", states.Moves)
	}
}

type arrived struct {
	wrapped
	arrival requests.Arrival
}

func (a arrived) Arrived() requests.Arrival { return a.arrival }

func TestPanicsArePassedOn(t *testing.T) {
	tests := map[string]struct {
		cause   any
		outcome string
		note    string
		panics  int64
		aborted int64
	}{
		"a value":       {errors.New("boom\x1b[31m"), "failed", "panic: boom?[31m", 1, 0},
		"a bad value":   {badError{}, "failed", "panic: %!v(PANIC=Error method: worse)", 1, 0},
		"giving up":     {http.ErrAbortHandler, "aborted", "", 0, 1},
		"runtime's end": {nil, "aborted", "", 0, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reg := new(stats.Registry)
			rec := requests.New(requests.Config{}, reg)
			h := rec.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				if test.cause == nil {
					runtime.Goexit()
				}
				panic(test.cause)
			}))
			got := make(chan any, 1)
			go func() {
				defer func() { got <- recover() }()
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
			}()
			if cause := <-got; cause != test.cause {
				t.Errorf("panicked with %v, want %v", cause, test.cause)
			}
			sum, snap := requests.Summaries(reg.Snapshot())[0], rec.Snapshot()
			if sum.Failures() != test.panics {
				t.Errorf("%d failures, want %d", sum.Failures(), test.panics)
			}
			if sum.Panics != test.panics || sum.Aborted != test.aborted || len(snap.Running) != 0 {
				t.Errorf("%d panics, %d aborted, running %v; want %d, %d, none", sum.Panics, sum.Aborted, snap.Running, test.panics, test.aborted)
			}
			if f := snap.Failed; len(f) != 1 || f[0].Outcome != test.outcome || f[0].Note != test.note {
				t.Errorf("failed: %+v, want one %s with %q", f, test.outcome, test.note)
			}
		})
	}
}

type badError struct{}

func (badError) Error() string { panic("worse") }

func TestClientsThatGoAreAborted(t *testing.T) {
	s := serve(t, requests.Config{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	s.Start()
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		s.one(t, any1)
		cancel()
	}()
	if resp, err := s.Client().Do(r); err == nil {
		_ = resp.Body.Close()
		t.Fatal("got an answer")
	}
	until(t, "an aborted one", func() bool { return s.summary(t, "(none)", 1).Aborted == 1 }) // counted after the answer
}

// TestWritersCanWhatTheyCould asks for the abilities of net/http's.
func TestWritersCanWhatTheyCould(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/abilities", func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		for name, err := range map[string]error{
			"read deadline":  control.SetReadDeadline(time.Now().Add(time.Hour)),
			"write deadline": control.SetWriteDeadline(time.Now().Add(time.Hour)),
			"full duplex":    control.EnableFullDuplex(),
			"flush":          control.Flush(),
		} {
			if err != nil {
				t.Errorf("%s over %s: %v", name, r.Proto, err)
			}
		}
		_, flusher := w.(http.Flusher)
		_, hijacker := w.(http.Hijacker)
		_, copier := w.(io.ReaderFrom)
		_, pusher := w.(http.Pusher)
		_, writer := w.(io.StringWriter)
		old := r.ProtoMajor == 1
		if !flusher || !writer || hijacker != old || copier != old || pusher == old {
			t.Errorf("over %s: flush %v, write strings %v, hijack %v, copy %v, push %v", r.Proto, flusher, writer, hijacker, copier, pusher)
		}
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	for _, http2 := range []bool{false, true} {
		s := serve(t, requests.Config{}, mux)
		s.EnableHTTP2 = http2
		s.StartTLS()
		s.get(t, "/abilities")
		if got := s.get(t, "/file"); got != string(content) {
			t.Errorf("HTTP/2 %v: got %d bytes of the file, want %d", http2, len(got), len(content))
		}
		if sum := s.summary(t, "/file", 1); sum.SentMean != float64(len(content)) {
			t.Errorf("HTTP/2 %v: %v bytes counted, want %d", http2, sum.SentMean, len(content))
		}
		s.Close()
	}
	rec := requests.New(requests.Config{}, nil)
	rec.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Flusher); ok {
			t.Error("it claims to flush what cannot")
		}
		_, _ = io.WriteString(w, "x")
	})).ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/", nil))
}

// TestHijackedConnectionsStay until they are closed, by whoever.
func TestHijackedConnectionsStay(t *testing.T) {
	conns := make(chan net.Conn, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /chat", func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\n")
		if err := rw.Flush(); err != nil {
			t.Error(err)
		}
		conns <- c
	})
	s := serve(t, requests.Config{}, mux)
	s.Start()
	defer s.Close()
	client, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, "GET /chat HTTP/1.1\r\nHost: x\r\n\r\n")
	c := <-conns
	answer := bufio.NewReader(client)
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "101") {
		t.Fatalf("got %q, %v", line, err)
	}
	fmt.Fprint(client, "ping")
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	got := s.one(t, func(r requests.Running) bool { return r.Phase == "hijacked" })
	if got.Route != "GET /chat" || got.Received != 4 || got.Sent != 36 {
		t.Errorf("running: %+v", got)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	_ = c.Close()
	_ = c.Close() // counts once
	sum := s.summary(t, "GET /chat", 1)
	if sum.Hijacked.Count != 1 || sum.Seconds.Count != 0 || sum.Classes["1xx"] != 1 || len(s.recorder.Running().Running) != 0 {
		t.Errorf("in the end: %+v", sum)
	}
}
