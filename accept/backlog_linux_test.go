package accept_test

import (
	"net"
	"testing"

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
