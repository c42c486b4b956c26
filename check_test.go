package support_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/support-go/support"
)

// handler is one that nobody asks.
func handler() http.Handler { return http.HandlerFunc(ok) }

func TestBadConfiguration(t *testing.T) {
	stream := func(context.Context, net.Conn) error { return nil }
	long := "unix:/tmp/" + strings.Repeat("x", 120)
	tests := map[string]struct {
		spoil func(g *support.Group)
		want  []string // in the error
	}{
		"no servers": {func(*support.Group) {}, []string{"no servers"}},
		"only meta":  {func(g *support.Group) { g.Meta("127.0.0.1:0") }, []string{"no servers"}},
		"room for fewer than none": {func(g *support.Group) {
			g.Admit.Running = -3
			g.HTTP("127.0.0.1:0", handler())
		}, []string{"Running -3", "0 for the default"}},
		"no name":           {func(g *support.Group) { g.Name = ""; g.HTTP("127.0.0.1:0", handler()) }, []string{`name ""`}},
		"a path for a name": {func(g *support.Group) { g.Name = "../x"; g.HTTP("127.0.0.1:0", handler()) }, []string{`name "../x"`}},
		"no handler":        {func(g *support.Group) { g.HTTP("127.0.0.1:0", nil) }, []string{"no handler"}},
		"two handlers": {func(g *support.Group) {
			g.Add(&support.Server{Listen: "127.0.0.1:0", Handler: handler(), Stream: stream})
		}, []string{"2 of Handler, Stream, Serve, Packet and ServePacket are set"}},
		"no address":     {func(g *support.Group) { g.HTTP("", handler()) }, []string{"want host:port"}},
		"no port":        {func(g *support.Group) { g.HTTP("127.0.0.1", handler()) }, []string{`"127.0.0.1"`, "want host:port"}},
		"absurd port":    {func(g *support.Group) { g.HTTP("127.0.0.1:99999", handler()) }, []string{"99999"}},
		"no path":        {func(g *support.Group) { g.HTTP("unix:", handler()) }, []string{"needs a path"}},
		"long path":      {func(g *support.Group) { g.HTTP(long, handler()) }, []string{"125 bytes", "at most 103"}},
		"no socket name": {func(g *support.Group) { g.HTTP("fd:", handler()) }, []string{"needs its name"}},
		"one address twice": {func(g *support.Group) {
			g.HTTP("127.0.0.1:9", handler())
			g.Stream("127.0.0.1:9", stream)
		}, []string{"two servers listen on 127.0.0.1:9"}},
		"one address under two spellings": {func(g *support.Group) {
			g.HTTP("127.0.0.1:80", handler())
			g.Stream("127.0.0.1:http", stream)
		}, []string{"two servers listen on 127.0.0.1:http"}},
		"one path under two spellings": {func(g *support.Group) {
			g.HTTP("unix:/tmp/a/b", handler())
			g.Stream("unix:/tmp//a/./b", stream)
		}, []string{"two servers listen on unix:/tmp//a/./b"}},
		"all interfaces and one of them": {func(g *support.Group) {
			g.HTTP(":8080", handler())
			g.Stream("127.0.0.1:8080", stream)
		}, []string{"two servers listen on 127.0.0.1:8080"}},
		"one name twice": {func(g *support.Group) {
			g.Add(&support.Server{Name: "a", Listen: "127.0.0.1:0", Handler: handler()})
			g.Add(&support.Server{Name: "a", Listen: "127.0.0.1:0", Handler: handler()})
		}, []string{"two of that name"}},
		"meta for everybody": {func(g *support.Group) {
			g.HTTP("127.0.0.1:0", handler())
			g.Meta("0.0.0.0:8889")
		}, []string{"0.0.0.0:8889", "loopback"}},
		"meta on all interfaces": {func(g *support.Group) {
			g.HTTP("127.0.0.1:0", handler())
			g.Meta(":8889")
		}, []string{"loopback"}},
		"TLS without a certificate": {func(g *support.Group) {
			g.HTTP("127.0.0.1:0", handler()).TLS = new(tls.Config)
		}, []string{"TLS has no certificate"}},
		"negative limits": {func(g *support.Group) {
			s := g.HTTP("127.0.0.1:0", handler())
			s.HTTP = support.HTTP{HeaderTimeout: -1, IdleTimeout: -2, HeaderBytes: -3, Streams: -4}
			s.Socket.Backlog = -5
			g.Workers = -6
			g.Drain = support.Drain{Delay: -7, LameDuck: -8, Grace: -9}
			g.Limits.Start, g.Limits.Silence, g.Limits.Drain = -10, -11, -12
		}, []string{
			"HeaderTimeout is -1ns", "IdleTimeout is -2ns", "HeaderBytes is -3", "Streams is -4", "Backlog is -5", "Workers is -6",
			"Delay is -7ns", "LameDuck is -8ns", "Grace is -9ns", "Start is -10ns", "Silence is -11ns", "Drain is -12ns",
		}},
		"absurd limits": {func(g *support.Group) {
			s := g.HTTP("127.0.0.1:0", handler())
			s.HTTP = support.HTTP{HeaderTimeout: 1e18, IdleTimeout: 1e18, Stall: 1e18, HeaderBytes: 1 << 40, Streams: 1 << 30}
			s.Socket.Backlog = 1 << 30
			g.Workers = 1 << 20
			g.Drain = support.Drain{Delay: 1e18, LameDuck: 1e18, Grace: 1e18}
		}, []string{
			"HeaderTimeout", "IdleTimeout", "Stall", "HeaderBytes", "Streams", "Backlog", "Workers is 1048576", "Delay", "LameDuck", "Grace",
		}},
		"bits that are no permissions": {func(g *support.Group) {
			g.HTTP("unix:/tmp/never", handler()).Socket.Mode = fs.ModeSetuid | 0o600
		}, []string{"only permission bits"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("bad")
			group.Setup = func(context.Context) (func(context.Context) error, error) {
				t.Error("Setup ran")
				return nil, nil
			}
			test.spoil(group)
			err := group.Run(t.Context())
			wantError(t, err, test.want...)
			if !errors.Is(err, support.ErrConfig) {
				t.Errorf("%v is not ErrConfig", err)
			}
		})
	}
}

// TestAddressTaken has problems that show only when sockets are opened: all are
// named, and what could be opened is closed again.
func TestAddressTaken(t *testing.T) {
	for name, workers := range map[string]int{"alone": 0, "with workers": 1} {
		t.Run(name, func(t *testing.T) {
			one, other := listen(t, "tcp", "127.0.0.1:0"), listen(t, "tcp", "127.0.0.1:0")
			path := filepath.Join(shortDir(t), "s")
			group := support.New("taken")
			group.Workers = workers
			group.Dir = shortDir(t)
			group.HTTP("unix:"+path, handler())
			free := group.HTTP("127.0.0.1:0", handler())
			group.HTTP(one.Addr().String(), handler())
			group.HTTP(other.Addr().String(), handler())
			group.Setup = func(context.Context) (func(context.Context) error, error) {
				t.Error("Setup ran")
				return nil, nil
			}
			err := group.Run(t.Context())
			wantError(t, err, one.Addr().String(), other.Addr().String(), "address already in use", "choose another address")
			if errors.Is(err, support.ErrConfig) {
				t.Errorf("%v is ErrConfig, but the configuration is good", err)
			}
			if addr := free.Addr(); addr != nil {
				t.Errorf("got address %v, want nothing to be started", addr)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the file of the unix socket is left: %v", err)
			}
		})
	}
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// shortDir is a temporary directory with room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "support") //nolint:usetesting // the path of t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
