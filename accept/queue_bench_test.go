package accept_test

import (
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/support-go/support/accept"
)

// pretended is a listener of connections that have always something to read.
type pretended struct{ net.Listener }

type talker struct{ net.Conn }

func (pretended) Accept() (net.Conn, error) { return talker{}, nil }
func (pretended) Close() error              { return nil }
func (talker) Read(p []byte) (int, error)   { return 1, nil }
func (talker) Close() error                 { return nil }
func states(net.Conn, http.ConnState)       {}
func (talker) Write(p []byte) (int, error)  { return len(p), nil }
func bench(b *testing.B, server *http.Server, c net.Conn) {
	one := make([]byte, 1)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = c.Read(one)
		server.ConnState(c, http.StateActive)
		server.ConnState(c, http.StateIdle)
	}
}

// BenchmarkRequest is what net/http does with a connection for each request of
// those that are kept: a Read, and two changes of state for a hook. The difference
// is what a Queue costs.
func BenchmarkRequest(b *testing.B) {
	b.Run("none", func(b *testing.B) { bench(b, &http.Server{ConnState: states}, talker{}) })
	b.Run("queue", func(b *testing.B) {
		q := accept.NewQueue(pretended{}, accept.Limits{}, nil, slog.New(slog.DiscardHandler))
		server := &http.Server{ConnState: states}
		q.Hook(server)
		c, err := q.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		bench(b, server, c)
	})
}
