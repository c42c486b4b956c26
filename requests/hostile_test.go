package requests_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

// TestPathsTakeNoMemory sends a million different long paths, and names a route
// after each.
func TestPathsTakeNoMemory(t *testing.T) {
	reg := new(stats.Registry)
	rec := requests.New(requests.Config{}, reg)
	h := rec.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.SetRoute(w, r.URL.Path)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	paths := 1_000_000
	if testing.Short() || raceEnabled {
		paths = 100_000
	}
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), &quiet{http.Header{}}
	send := func(from, to int) {
		for i := from; i < to; i++ {
			path := make([]byte, 1000)
			copy(path, fmt.Sprintf("/%d/\x1b[2J<script>", i))
			r.URL.Path, r.Method = string(path), "HOSTILE-AND-LONG"
			r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
			h.ServeHTTP(w, r)
		}
	}
	send(0, 5000)
	before := heap()
	send(5000, paths)
	if grown := int64(heap()) - int64(before); grown > 8<<20 {
		t.Errorf("%d more paths took %d bytes", paths, grown)
	}
	snap := rec.Snapshot()
	if n := len(requests.Summaries(reg.Snapshot())); n > 1001 {
		t.Errorf("%d routes, want 1,001 at most", n)
	}
	for _, f := range append(snap.Failed, snap.Recent...) {
		if len(f.Path) > 130 || len(f.Method) > 16 || strings.ContainsFunc(f.Path+f.Route+f.Method, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("kept as it came: %+v", f)
		}
	}
	text, err := json.Marshal(snap)
	if err != nil || len(text) > 30<<20 {
		t.Errorf("%d bytes of JSON, %v", len(text), err)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestEverythingAtOnce has requests, readers and cancellers meet.
func TestEverythingAtOnce(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo/{n}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("boom") })
	mux.HandleFunc("GET /hijack", func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
	})
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, requests.Config{}, mux)
			if s.EnableHTTP2 = http2; http2 {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()
			const each = 40
			var clients, readers sync.WaitGroup
			stop := make(chan struct{})
			for range 6 {
				clients.Go(func() {
					for i := range each {
						switch i % 10 {
						case 3:
							<-s.start(t, http.MethodGet, "/panic", nil)
						case 6:
							<-s.start(t, http.MethodGet, "/hijack", nil)
						default:
							<-s.start(t, http.MethodPost, fmt.Sprintf("/echo/%d", i), strings.NewReader(strings.Repeat("x", i)))
						}
					}
				})
			}
			for range 2 {
				readers.Go(func() {
					for {
						for i, r := range s.recorder.Snapshot().Running {
							if i == 0 {
								_, _ = s.recorder.Stacks(r.ID) // it may be over
							}
							_ = s.recorder.Cancel(r.ID, "ann") // likewise
						}
						select {
						case <-stop:
							return
						default:
						}
					}
				})
			}
			clients.Wait()
			close(stop)
			readers.Wait()
			until(t, "end of all", func() bool { return len(s.recorder.Running().Running) == 0 })
			var sum int64
			for _, route := range requests.Summaries(s.reg.Snapshot()) {
				sum += route.Count
			}
			if sum < 6*each { // clients try some again
				t.Errorf("%d requests counted, want %d at least", sum, 6*each)
			}
		})
	}
}

func TestProxiesAreBelievedIfTrusted(t *testing.T) {
	tests := map[string]struct {
		peer    string
		headers []string
		want    string
	}{
		"nobody says":               {"10.0.0.1:5", nil, "10.0.0.1"},
		"not trusted":               {"192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		"trusted":                   {"10.0.0.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
		"the client lies":           {"10.0.0.1:5", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		"two proxies":               {"10.0.0.1:5", []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		"two headers":               {"10.0.0.1:5", []string{"1.1.1.1", "198.51.100.7,10.0.0.2"}, "198.51.100.7"},
		"only proxies":              {"10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"rubbish":                   {"10.0.0.1:5", []string{"198.51.100.7, <b>"}, "10.0.0.1"},
		"with a port":               {"10.0.0.1:5", []string{"198.51.100.7:99"}, "198.51.100.7"},
		"IPv6 counts by network":    {"10.0.0.1:5", []string{"[2001:db8:1:2:3::4]"}, "2001:db8:1:2::/64"},
		"IPv6 with a port":          {"10.0.0.1:5", []string{"[2001:db8:1:2:3::4]:80"}, "2001:db8:1:2::/64"},
		"IPv4 in IPv6":              {"[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"a peer without an address": {"@", []string{"198.51.100.7"}, "local"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reg := new(stats.Registry)
			rec := requests.New(requests.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, reg)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = test.peer
			if test.headers != nil {
				r.Header["X-Forwarded-For"] = test.headers
			}
			rec.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
			got := reg.Snapshot().Lookup("http.talkers").(*stats.TopSnapshot).Keys
			if len(got) != 1 || got[0].Key != test.want {
				t.Errorf("%s with %q is %v, want %s", test.peer, test.headers, got, test.want)
			}
		})
	}
}

// TestSteadyRequestsAllocateNothing is of requests without a body.
func TestSteadyRequestsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's pools forget")
	}
	rec := requests.New(requests.Config{}, nil)
	i := 0
	h := rec.Handler(route(&i))
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(rec.ConnContext(context.Background(), a))
	w := http.ResponseWriter(&quiet{http.Header{}})
	for range 10_000 {
		h.ServeHTTP(w, r)
	}
	if n := testing.AllocsPerRun(20_000, func() { h.ServeHTTP(w, r) }); n > 0 {
		t.Errorf("%v allocations for a request, want none", n)
	}
}

func TestFewAreFollowedWhenManyCome(t *testing.T) {
	rec := requests.New(requests.Config{}, nil)
	i := 0
	h, r := rec.Handler(route(&i)), httptest.NewRequest(http.MethodGet, "/", nil)
	w := http.ResponseWriter(&quiet{http.Header{}})
	until(t, "pace of one in 8", func() bool {
		for range 1000 {
			h.ServeHTTP(w, r)
		}
		return rec.Snapshot().Followed >= 8
	})
	until(t, "pace of one in 1", func() bool {
		h.ServeHTTP(w, r)
		return rec.Snapshot().Followed == 1
	})
}

func TestMerge(t *testing.T) {
	var all requests.Snapshot
	for _, worker := range []string{"1", "2"} {
		rec := requests.New(requests.Config{}, nil)
		var s requests.Snapshot
		rec.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			rec.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
			s = rec.Snapshot()
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		s.From(worker)
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back requests.Snapshot
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		all.Merge(back)
	}
	if len(all.Running) != 2 || len(all.Recent) != 2 || all.InFlight[""] != 2 || all.Recent[0].Worker != "2" || all.Running[0].Worker != "1" {
		t.Errorf("merged: %+v", all)
	}
}
