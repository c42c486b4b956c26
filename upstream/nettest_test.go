package upstream_test

import (
	"context"
	"net"
	"testing"

	"github.com/support-go/support/upstream"
	"golang.org/x/net/nettest"
)

// TestConn holds connections, those that Get lends and those that DialContext
// makes, to what every net.Conn promises.
func TestConn(t *testing.T) {
	makers := map[string]func(*upstream.Manager) (net.Conn, error){
		"Get": func(m *upstream.Manager) (net.Conn, error) { return m.Get(context.Background(), "peer") },
		"DialContext": func(m *upstream.Manager) (net.Conn, error) {
			return m.DialContext(context.Background(), "tcp", "peer:80")
		},
	}
	for name, connect := range makers {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				ln, err := nettest.NewLocalListener("tcp")
				if err != nil {
					return nil, nil, nil, err
				}
				defer ln.Close()
				m := new(upstream.Manager)
				if err := m.Add("peer", at(ln.Addr().String())); err != nil {
					return nil, nil, nil, err
				}
				if c1, err = connect(m); err != nil {
					return nil, nil, nil, err
				}
				if c2, err = ln.Accept(); err != nil {
					return nil, nil, nil, err
				}
				return c1, c2, func() { _, _, _ = c1.Close(), c2.Close(), m.Close() }, nil
			})
		})
	}
}
