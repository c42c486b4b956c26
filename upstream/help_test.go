package upstream_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

const patience = 30 * time.Second

// manager returns a Manager that is closed, and must have left nothing, when
// the test ends.
func manager(t testing.TB, name string, conf upstream.Service) *upstream.Manager {
	t.Helper()
	m := &upstream.Manager{Log: slog.New(slog.DiscardHandler)}
	if err := m.Add(name, conf); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		eventually(t, "after Close connections are open", func() bool { return m.State().Open == 0 })
		if left := goroutines(); left != "" {
			t.Errorf("goroutines are left:\n%s", left)
		}
	})
	return m
}

// goroutines returns the stacks of those that a Manager has started.
func goroutines() string {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	var ours []string
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		if strings.Contains(stack, "internal/tasks.(*Group).Go") {
			ours = append(ours, stack)
		}
	}
	return strings.Join(ours, "\n\n")
}

// at returns a service of one tier.
func at(addresses ...string) upstream.Service {
	return upstream.Service{Tiers: []upstream.Tier{upstream.At(addresses...)}}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); !ok(); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", patience, what)
		}
	}
}

// ask sends a line and returns the answer's.
func ask(_ context.Context, conn *upstream.Conn) (string, error) {
	return say(conn, "ping")
}

func say(conn *upstream.Conn, line string) (string, error) {
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return "", err
	}
	answer, err := conn.Messages().ReadUntil([]byte("\n"), 1024)
	return string(answer), err
}

func get(t testing.TB, m *upstream.Manager, name string) *upstream.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := m.Get(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	return conn
}

// address returns the state of an address.
func address(t testing.TB, m *upstream.Manager, addr string) upstream.AddressState {
	t.Helper()
	for _, svc := range m.State().Services {
		for _, tier := range svc.Tiers {
			for _, a := range tier.Addresses {
				if a.Address == addr {
					return a
				}
			}
		}
	}
	t.Fatalf("no address %s", addr)
	return upstream.AddressState{}
}

// deadAddr returns an address at which nobody listens.
func deadAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func echo(line string) string { return line + "\n" }

func named(name string) supporttest.Behaviour {
	return supporttest.Lines(func(string) string { return name + "\n" })
}

func contains(t testing.TB, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("error is %v; want %q in it", err, p)
		}
	}
}

var _ net.Conn = (*upstream.Conn)(nil)
var _ net.Conn = (*netbuf.Conn)(nil)
