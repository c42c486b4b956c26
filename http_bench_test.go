package support

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/track"
)

// silent takes an answer and does nothing with it.
type silent struct{ header http.Header }

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }
func (s *silent) WriteHeader(int)             {}

// BenchmarkRequest is what a group adds to a request of HTTP/1.1: the way from
// net/http to the handler and the end of the request, without net/http's own
// part. "bare" is the handler alone and an empty hook.
func BenchmarkRequest(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil {
			_, _ = r.Body.Read(nil)
		}
		_, _ = io.WriteString(w, "Hello, world!")
	})
	near, far := net.Pipe()
	defer far.Close()
	ln := track.NewListener(&one{conn: near}, ledger.New())
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	group := New("bench")
	_, p := newProcess(group, nil, nil, ledger.New(), nil)
	defer p.end(nil)
	h := newHTTP(p, &Server{Listen: "x", Handler: handler}, nil)
	// As net/http nests it: base, connection, local address, two that can be
	// cancelled.
	ctx := context.WithValue(b.Context(), scopeKey{}, h.scope)
	ctx = h.server.ConnContext(ctx, conn)
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, conn.LocalAddr())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/", nil)
	if err != nil {
		b.Fatal(err)
	}
	post := request.Clone(ctx)
	post.ContentLength = 1
	body := io.NopCloser(zero{})
	w := &silent{header: make(http.Header)}
	state := func(c net.Conn, state http.ConnState) { follow(c, state, 64<<10) }
	variants := map[string]struct {
		serve http.HandlerFunc
		hook  func(net.Conn, http.ConnState)
	}{
		"bare":  {handler, func(net.Conn, http.ConnState) {}},
		"group": {h.serveHTTP, state},
		"group, with a body": {func(w http.ResponseWriter, _ *http.Request) {
			post.Body = body
			h.serveHTTP(w, post)
		}, state},
	}
	for name, v := range variants {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.hook(conn, http.StateActive)
				v.serve(w, request)
				v.hook(conn, http.StateIdle)
			}
		})
	}
}

// zero is a body of no bytes.
type zero struct{}

func (zero) Read([]byte) (int, error) { return 0, io.EOF }

// one gives one connection.
type one struct {
	net.Listener
	conn net.Conn
}

func (o *one) Accept() (net.Conn, error) { return o.conn, nil }
