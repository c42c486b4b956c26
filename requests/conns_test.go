package requests_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/support-go/support/requests"
)

// TestContextsEndWithTheirConnections looks at each way in which a connection
// ends: a context that goes on is kept by the server's for ever.
func TestContextsEndWithTheirConnections(t *testing.T) {
	for name, bytes := range map[string]string{
		"answered":    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"hijacked":    "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n",
		"panicked":    "GET /panic HTTP/1.1\r\nHost: x\r\n\r\n",
		"malformed":   "nonsense\r\n\r\n",
		"HTTP/2":      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"said little": "GET",
		"silent":      "",
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
			mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("oh") })
			mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil || r.Context().Err() != nil {
					t.Errorf("hijacked: %v, with a context that has ended: %v", err, r.Context().Err())
					return
				}
				_ = c.Close()
			})
			s := serve(t, requests.Config{}, mux)
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetHTTP1(true)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			base, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.Config.BaseContext = func(net.Listener) context.Context { return base }
			contexts := make(chan context.Context, 1)
			inner := s.Config.ConnContext
			s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
				ctx = inner(ctx, c)
				contexts <- ctx
				return ctx
			}
			s.Start()
			defer s.Close()
			client, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := io.WriteString(client, bytes); err != nil {
				t.Fatal(err)
			}
			if err := client.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			ctx := <-contexts
			until(t, "context has ended", func() bool { return ctx.Err() != nil })
		})
	}
}
