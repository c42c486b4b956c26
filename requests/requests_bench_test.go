package requests_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

// quiet is a ResponseWriter like that of net/http, and does nothing.
type quiet struct{ header http.Header }

func (w quiet) Header() http.Header                        { return w.header }
func (quiet) WriteHeader(int)                              {}
func (quiet) Write(p []byte) (int, error)                  { return len(p), nil }
func (quiet) WriteString(s string) (int, error)            { return len(s), nil }
func (quiet) Flush()                                       {}
func (quiet) ReadFrom(r io.Reader) (int64, error)          { return io.Copy(io.Discard, r) }
func (quiet) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }

var patterns = []string{"GET /users/{id}", "POST /users", "GET /orders/{id}/items", "GET /"}

// route does as a mux would.
func route(i *int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Pattern = patterns[*i&3]
		*i++
		_, _ = io.WriteString(w, "Hello, world!")
	})
}

// request has a context as deep as that of net/http on a connection that
// the recorder knows.
func request(b *testing.B, rec *requests.Recorder) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/users/17", nil)
	a, c := net.Pipe()
	b.Cleanup(func() { _, _ = a.Close(), c.Close() })
	ctx := rec.ConnContext(context.WithValue(b.Context(), http.ServerContextKey, 1), a)
	ctx, cancel := context.WithCancel(context.WithValue(ctx, http.LocalAddrContextKey, 1))
	b.Cleanup(cancel)
	ctx, cancel = context.WithCancel(ctx)
	b.Cleanup(cancel)
	return r.WithContext(ctx)
}

func BenchmarkRequest(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		i := 0
		r := request(b, requests.New(requests.Config{}, nil))
		h, w := route(&i), http.ResponseWriter(&quiet{http.Header{}})
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
	b.Run("recorded", func(b *testing.B) {
		i := 0
		rec := requests.New(requests.Config{}, new(stats.Registry))
		r := request(b, rec)
		h, w := rec.Handler(route(&i)), http.ResponseWriter(&quiet{http.Header{}})
		for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); { // until few are followed
			h.ServeHTTP(w, r)
		}
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
	b.Run("followed", func(b *testing.B) {
		i := 0
		rec := requests.New(requests.Config{}, new(stats.Registry))
		r := request(b, rec)
		h, w := rec.Handler(route(&i)), http.ResponseWriter(&quiet{http.Header{}})
		requests.FollowAll(rec)
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
}

// BenchmarkSnapshot is of 1,000 routes, with 10 requests each, and 1,000
// requests that run.
func BenchmarkSnapshot(b *testing.B) {
	rec := requests.New(requests.Config{}, new(stats.Registry))
	goOn := make(chan struct{})
	var all, begun sync.WaitGroup
	h := rec.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.SetRoute(w, r.URL.Path)
		if r.Method == http.MethodPost {
			begun.Done()
			<-goOn
		}
	}))
	for i := range 1000 {
		path := "/" + strconv.Itoa(i)
		for range 10 {
			h.ServeHTTP(&quiet{http.Header{}}, httptest.NewRequest(http.MethodGet, path, nil))
		}
		begun.Add(1)
		all.Go(func() { h.ServeHTTP(&quiet{http.Header{}}, httptest.NewRequest(http.MethodPost, path, nil)) })
	}
	begun.Wait()
	for b.Loop() {
		if s := rec.Snapshot(); len(s.Running) != 1000 || len(s.InFlight) != 1000 || len(s.Recent) != requests.MaxFinished {
			b.Fatal(len(s.Running), len(s.InFlight), len(s.Recent))
		}
	}
	close(goOn)
	all.Wait()
}
