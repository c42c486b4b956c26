package upstream_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// TestLimitOfDescriptors has a process of its own run out of them: the error says
// so and marks nothing down, others can connect when some have been given
// back, and in the end none is left open.
func TestLimitOfDescriptors(t *testing.T) {
	if addr := os.Getenv("UPSTREAM_LIMIT_TEST"); addr != "" {
		runOut(t, addr)
		return
	}
	u := supporttest.NewUpstream(t, nil, named("x"))
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLimitOfDescriptors$", "-test.v")
	child.Env = append(os.Environ(), "UPSTREAM_LIMIT_TEST="+u.Addr)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func runOut(t *testing.T, addr string) {
	first, err := net.Dial("tcp", addr) // the poller's descriptors stay open for good
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	before := open(t)
	conf := at(addr)
	conf.Pool.Max = 100
	m := &upstream.Manager{Max: 100}
	if err := m.Add("x", conf); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: uint64(before + 10), Max: uint64(before + 10)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var conns []*upstream.Conn
	for {
		c, err := m.Get(t.Context(), "x")
		if err != nil {
			var netErr net.Error
			if !errors.Is(err, syscall.EMFILE) || !errors.As(err, &netErr) {
				t.Errorf("got %v, want a net.Error that is EMFILE", err)
			}
			break
		}
		if conns = append(conns, c); len(conns) > 50 {
			t.Fatal("the limit is not reached")
		}
	}
	if s := address(t, m, addr).State; s != "up" {
		t.Errorf("the address is %s for what this process lacks", s)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	if name, err := upstream.Call(context.Background(), m, "x", ask); err != nil || name != "x" {
		t.Errorf("afterwards got %q, %v", name, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if after := open(t); after != before {
		t.Errorf("%d descriptors are open, and were %d", after, before)
	}
}

// open is how many descriptors this process has.
func open(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
