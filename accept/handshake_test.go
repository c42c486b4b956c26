//go:build unix

package accept_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/support-go/support/accept"
)

// TestHandshakesAreRefused wants each client of TLS to learn that it was refused,
// however its ClientHello comes.
func TestHandshakesAreRefused(t *testing.T) {
	long := append(slices.Repeat([]string{strings.Repeat("x", 200)}, 30), "http/1.1") // 6 KiB
	for name, test := range map[string]struct {
		each      int // of ten clients
		protocols []string
		wrap      func(net.Conn) net.Conn
	}{
		"at once":      {100, []string{"h2", "http/1.1"}, func(c net.Conn) net.Conn { return c }},
		"in pieces":    {20, nil, func(c net.Conn) net.Conn { return pieces{c} }},
		"a long hello": {20, long, func(c net.Conn) net.Conn { return c }},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveTLS(t, accept.Limits{Room: func() int { return 0 }})
			const clients = 10
			var told, served, others atomic.Int64
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for range test.each {
						err := shake(t.Context(), s.queue.Addr().String(), test.protocols, test.wrap)
						var remote *net.OpError
						switch {
						case err == nil: // who was slow to say something
							served.Add(1)
						case errors.As(err, &remote) && remote.Op == "remote error" && strings.Contains(err.Error(), "internal error"):
							told.Add(1)
						case others.Add(1) == 1:
							t.Logf("one got %v", err)
						}
					}
				})
			}
			all.Wait()
			if others.Load() > int64(clients*test.each/1000) || told.Load() < int64(clients*test.each/2) {
				t.Errorf("of %d, %d were refused with an alert, and %d served", clients*test.each, told.Load(), served.Load())
			}
		})
	}
}

// serveTLS serves those over TLS that the queue lets in.
func serveTLS(t *testing.T, limits accept.Limits) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, queue: accept.NewQueue(ln, limits, nil, quiet())}
	h := httptest.NewUnstartedServer(http.NotFoundHandler())
	_ = h.Listener.Close()
	h.Listener = s.queue
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.queue.Hook(h.Config)
	h.StartTLS()
	t.Cleanup(h.Close)
	return s
}

func shake(ctx context.Context, addr string, protocols []string, wrap func(net.Conn) net.Conn) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	client := tls.Client(wrap(c), &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
	defer client.Close()
	return client.HandshakeContext(ctx)
}

// pieces sends what it is given in packets of a hundred bytes.
type pieces struct{ net.Conn }

func (p pieces) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = p.Conn.Write(b[n:min(n+100, len(b))])
		n += m
	}
	return n, err
}
