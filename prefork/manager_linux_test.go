package prefork_test

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestServiceManager: it hears when the group is ready and when it stops.
func TestServiceManager(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	path := filepath.Join(filepath.Dir(p.Dir), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	p.env = []string{"NOTIFY_SOCKET=" + path}
	hears := func(want string) {
		t.Helper()
		_ = manager.SetReadDeadline(time.Now().Add(patience))
		for text := make([]byte, 100); ; {
			n, err := manager.Read(text)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if string(text[:n]) == want {
				return
			}
		}
	}
	p.start()
	hears("READY=1")
	hears("WATCHDOG=1")
	p.stop()
	hears("STOPPING=1")
}

// TestShares: what processes get of the machine.
func TestShares(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.env = []string{"GOMAXPROCS=1"}
	p.serve()
	if n := p.must("procs"); n != "2" {
		t.Errorf("GOMAXPROCS is %s, want 2", n)
	}
	p.stop()
}
