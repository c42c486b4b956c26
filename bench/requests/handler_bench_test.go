package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

// quiet is a ResponseWriter with the abilities of net/http's, and does nothing.
type quiet struct{ header http.Header }

func (w quiet) Header() http.Header                        { return w.header }
func (quiet) WriteHeader(int)                              {}
func (quiet) Write(p []byte) (int, error)                  { return len(p), nil }
func (quiet) WriteString(s string) (int, error)            { return len(s), nil }
func (quiet) Flush()                                       {}
func (quiet) ReadFrom(r io.Reader) (int64, error)          { return io.Copy(io.Discard, r) }
func (quiet) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }

// BenchmarkHandler is what a request costs in the handler alone: subtract mux.
func BenchmarkHandler(b *testing.B) {
	rec := requests.New(requests.Config{}, new(stats.Registry))
	a, c := net.Pipe()
	defer func() { _, _ = a.Close(), c.Close() }()
	ctx := context.WithValue(rec.ConnContext(b.Context(), a), http.LocalAddrContextKey, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, end := context.WithCancel(ctx) // as deep as net/http's
	defer end()
	for _, kind := range []struct {
		name string
		http.Handler
	}{
		{"mux", mux(http.HandlerFunc(hello))},
		{"support", rec.Handler(mux(http.HandlerFunc(hello)))},
		{"promhttp", mux(promHandler())},
		{"otelhttp", otelHandler()},
		{"echo", echoHandler()},
	} {
		b.Run(kind.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx)
			w := http.ResponseWriter(&quiet{http.Header{}})
			for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
				kind.ServeHTTP(w, r)
			}
			b.ReportAllocs()
			for b.Loop() {
				kind.ServeHTTP(w, r)
			}
		})
	}
}
