package admit_test

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/admit"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestRefusal is what a client gets, over both versions of HTTP.
func TestRefusal(t *testing.T) {
	tests := map[string]struct {
		http2  bool
		method string
		body   string
		closes bool
	}{
		"GET":          {false, "GET", "", false},
		"POST":         {false, "POST", "a=b", false},
		"long POST":    {false, "POST", strings.Repeat("x", 1<<20), true},
		"HTTP/2":       {true, "GET", "", false},
		"HTTP/2, POST": {true, "POST", strings.Repeat("x", 1<<20), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := admit.New(admit.Limits{}, nil, quiet())
			g.Favour(admit.Critical)
			s := httptest.NewUnstartedServer(g.Handler(http.NotFoundHandler(), admit.Policy{}))
			s.EnableHTTP2 = test.http2
			s.StartTLS()
			defer s.Close()
			req, err := http.NewRequestWithContext(t.Context(), test.method, s.URL+"/path", strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != "overloaded: try again later\n" || resp.StatusCode != 503 || resp.Close != test.closes {
				t.Errorf("got %d %q, %v, closes %t; want 503, closes %t", resp.StatusCode, body, err, resp.Close, test.closes)
			}
			if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || n < 1 || n > 3 {
				t.Errorf("Retry-After %q, want 1 to 3", resp.Header.Get("Retry-After"))
			}
			if d := g.Decisions(); len(d) != 1 || d[0].Name != test.method+" /path" {
				t.Errorf("recorded %+v, want %s /path", d, test.method)
			}
		})
	}
}

// TestStreams has each stream of one connection of HTTP/2 pass the gate.
func TestStreams(t *testing.T) {
	g := admit.New(admit.Limits{Running: 2}, nil, quiet())
	release := make(chan struct{})
	s := httptest.NewUnstartedServer(g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }), admit.Policy{}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	const streams = 60 // 2 run, 32 wait
	codes := make(chan int, streams)
	for range streams {
		go func() {
			resp, err := s.Client().Get(s.URL)
			if err != nil {
				codes <- 0
				return
			}
			_ = resp.Body.Close()
			codes <- resp.StatusCode
		}()
	}
	got := make(map[int]int)
	for range streams - 2 - 32 {
		got[<-codes]++
	}
	close(release)
	for range 2 + 32 {
		got[<-codes]++
	}
	if got[503] < 26 || got[200] < 2 || got[200]+got[503] != streams {
		t.Errorf("answers %v; want 26 times 503 or more, and 200", got)
	}
}

// TestAdmittedStays has everything speak against a request that runs: it is
// answered.
func TestAdmittedStays(t *testing.T) {
	g := admit.New(admit.Limits{Running: 1, MaxWait: time.Nanosecond, Standing: 1, Burst: 1, Latency: 1, Lasting: time.Nanosecond}, nil, quiet())
	running, release := make(chan struct{}), make(chan struct{})
	h := g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/admitted" {
			close(running)
			<-release
		}
		if err := r.Context().Err(); err != nil {
			t.Errorf("%s: the context ends: %v", r.URL.Path, err)
		}
	}), admit.Policy{})
	var all sync.WaitGroup
	admitted := httptest.NewRecorder()
	all.Go(func() { h.ServeHTTP(admitted, httptest.NewRequest("GET", "/admitted", nil)) })
	<-running
	g.Favour(admit.Critical)
	const others = 1000
	for range others {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	close(release)
	all.Wait()
	if d := g.Decisions(); admitted.Code != 200 || len(d) == 0 || slices.ContainsFunc(d, func(d admit.Decision) bool { return d.Name == "GET /admitted" }) {
		t.Errorf("answered %d, %d others shed; want 200, and only others shed", admitted.Code, len(d))
	}
}

// TestPanic wants places back from handlers that panic, also those that abort.
func TestPanic(t *testing.T) {
	g := admit.New(admit.Limits{Running: 1}, nil, quiet())
	h := g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), admit.Policy{})
	for range 100 {
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}()
	}
	if s := g.State(); s.Running != 0 {
		t.Errorf("%d still run, want none", s.Running)
	}
}

// TestPatience sheds what would be answered too late.
func TestPatience(t *testing.T) {
	g := admit.New(admit.Limits{Running: 1}, nil, quiet())
	release, running := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h := g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(running) })
		<-release
	}), admit.Policy{})
	var all sync.WaitGroup
	all.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
	<-running
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Grpc-Timeout", "20m")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	close(release)
	all.Wait()
	if d := g.Decisions(); w.Code != 503 || len(d) != 1 || d[0].Reason != admit.Deadline || d[0].Age > 10*time.Second {
		t.Errorf("got %d, recorded %+v; want 503 for a deadline", w.Code, d)
	}
}

func TestPrefixes(t *testing.T) {
	p := admit.Prefixes{"/pay": admit.Critical, "/pay/history": admit.Sheddable, "/img/": admit.Sheddable}
	tests := map[string]admit.Class{
		"/":                 admit.Default,
		"/pay":              admit.Critical,
		"/payment":          admit.Critical,
		"/pay/history/2026": admit.Sheddable,
		"/img/x.png":        admit.Sheddable,
		"/img":              admit.Default,
	}
	for path, want := range tests {
		if got := p.Class(httptest.NewRequest("GET", path, nil)); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func TestParseTimeout(t *testing.T) {
	tests := map[string]time.Duration{
		"1S": time.Second, "20m": 20 * time.Millisecond, "5u": 5 * time.Microsecond, "7n": 7, "2M": 2 * time.Minute,
		"99999999H": math.MaxInt64, "0S": 0,
		"": 0, "S": 0, "1": 0, "-1S": 0, "+1S": 0, "1s": 0, "123456789S": 0, "1.5S": 0,
	}
	for text, want := range tests {
		if got := admit.ParseTimeout(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func FuzzParseTimeout(f *testing.F) {
	for _, text := range []string{"1S", "99999999H", "", "x", "18446744073709551616n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d := admit.ParseTimeout(text); d < 0 {
			t.Errorf("%q: %v, want nothing below 0", text, d)
		}
	})
}

func TestQuota(t *testing.T) {
	files := map[string]string{
		"/proc/self/cgroup":              "0::/a/b\n",
		"/sys/fs/cgroup/a/b/cpu.max":     "max 100000\n",
		"/sys/fs/cgroup/a/cpu.max":       "150000 100000\n",
		"/sys/fs/cgroup/other/b/cpu.max": "10000 100000\n",
	}
	read := func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, os.ErrNotExist
		}
		return []byte(text), nil
	}
	if got := admit.Quota(read, 8); got != 2 {
		t.Errorf("150 ms of each 100 ms: got %d cores, want 2", got)
	}
	tests := map[string]int{
		"max 100000": 8, "400000 100000": 4, "10000 100000": 1, "100000 100000": 1, "9000000 100000": 8,
		"": 8, "x y": 8, "-1 100000": 8, "1 0": 8, "NaN NaN": 8,
	}
	for text, want := range tests {
		if got := admit.ParseQuota(text, 8); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func ExampleGate_Handler() {
	gate := admit.New(admit.Limits{}, nil, nil)
	handler := gate.Handler(http.NotFoundHandler(), admit.Policy{
		Class: admit.Prefixes{"/login": admit.Critical}.Class,
	})
	gate.Favour(admit.Critical) // as if memory were short

	for _, path := range []string{"/login", "/search"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(path, w.Code)
	}
	// Output:
	// /login 404
	// /search 503
}
