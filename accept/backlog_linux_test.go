package accept_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/accept"
)

// TestBacklog looks at a queue of which nobody takes anything.
func TestBacklog(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	q := accept.NewQueue(ln, accept.Limits{}, nil, quiet())
	defer q.Close()
	for range 3 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	length, limit, known := q.Backlog()
	if !known || length != 3 || limit < 3 {
		t.Errorf("got %d of %d, known %t; want 3", length, limit, known)
	}
	if overflows, drops, known := accept.Overflows(); !known || overflows < 0 || drops < overflows {
		t.Errorf("got %d overflows and %d drops, known %t; drops should include overflows", overflows, drops, known)
	}
}

func FuzzParseOverflows(f *testing.F) {
	f.Add("TcpExt: A ListenOverflows ListenDrops\nTcpExt: 1 2 3\n")
	f.Add("TcpExt:\nTcpExt: x\n")
	f.Fuzz(func(t *testing.T, text string) {
		overflows, drops, known := accept.ParseOverflows(text)
		if !known && overflows != 0 {
			t.Errorf("%q: %d, %d, but not known", text, overflows, drops)
		}
	})
}

// TestOverflow has more connections come than a real queue of the kernel holds:
// the counters tell.
func TestOverflow(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	q := accept.NewQueue(ln, accept.Limits{}, nil, quiet())
	defer q.Close()
	raw, err := q.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), 1) })
	if err != nil {
		t.Fatal(err)
	}
	overflows, drops, _ := accept.Overflows()
	var dialing sync.WaitGroup
	defer dialing.Wait()
	for range 10 {
		dialing.Go(func() {
			c, err := net.DialTimeout("tcp", ln.Addr().String(), 2*time.Second)
			if err == nil { // at least from this side
				t.Cleanup(func() { _ = c.Close() })
			}
		})
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(long); time.Now().Before(end); <-again.C {
		o, d, known := accept.Overflows()
		length, limit, _ := q.Backlog()
		if known && o > overflows && d > drops && length > 0 && limit == 1 {
			return
		}
	}
	o, d, known := accept.Overflows()
	t.Errorf("got %d more overflows and %d more drops, known %t", o-overflows, d-drops, known)
}
