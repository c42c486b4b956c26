package track_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/track"
)

func ExampleListener() {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	page := ledger.New()
	ln := track.NewListener(inner, page)
	defer ln.Close()

	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	conn, err := ln.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open:", ln.Open())
	_ = conn.Close()
	fmt.Println("open:", ln.Open())
	// Output:
	// open: 1
	// open: 0
}

func TestConnBehavesAsOne(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				p, err := connect(t, network)
				if err != nil {
					return nil, nil, nil, err
				}
				return p.server, p.client, p.stop, nil
			})
		})
	}
}

func TestAccount(t *testing.T) {
	write := func(p *pair) { exchange(t, p.server, p.client) }
	tests := map[string]struct {
		do                     func(p *pair)
		running, quiet, shared int
	}{
		"nothing":                   {func(p *pair) {}, 0, 0, 0},
		"begun":                     {func(p *pair) { p.server.Begin() }, 1, 1, 0},
		"begun and ended":           {func(p *pair) { p.server.Begin(); p.server.End() }, 0, 0, 0},
		"ended twice":               {func(p *pair) { p.server.Begin(); p.server.End(); p.server.End() }, 0, 0, 0},
		"writes while handled":      {func(p *pair) { p.server.Begin(); write(p) }, 1, 0, 0},
		"writes after handled":      {func(p *pair) { p.server.Begin(); p.server.Handled(); write(p) }, 1, 1, 0},
		"may last in silence":       {func(p *pair) { p.server.Begin(); p.server.Lasts() }, 1, 0, 0},
		"lasted, then ended":        {func(p *pair) { p.server.Begin(); p.server.Lasts(); p.server.End() }, 0, 0, 0},
		"streamed, then ended":      {func(p *pair) { p.server.Begin(); write(p); p.server.End() }, 0, 0, 0},
		"three on one":              {func(p *pair) { p.server.Begin(); p.server.Begin(); p.server.Begin() }, 3, 3, 2},
		"three, moved, one ended":   {func(p *pair) { p.server.Begin(); p.server.Begin(); p.server.Begin(); write(p); p.server.End() }, 2, 0, 1},
		"closed with three running": {func(p *pair) { p.server.Begin(); p.server.Begin(); write(p); p.server.Begin(); _ = p.server.Close() }, 0, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := connect(t, "tcp")
			if err != nil {
				t.Fatal(err)
			}
			defer p.stop()
			test.do(p)
			counts, err := p.page.Counts()
			if err != nil {
				t.Fatal(err)
			}
			if int(counts.Running()) != test.running || int(counts.Quiet()) != test.quiet || int(counts.Shared) != test.shared {
				t.Errorf("got %d running, %d quiet, %d sharing; want %d, %d, %d",
					counts.Running(), counts.Quiet(), counts.Shared, test.running, test.quiet, test.shared)
			}
		})
	}
}

func TestWaitEndsWithTheLastConnection(t *testing.T) {
	p, err := connect(t, "tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	gone := make(chan error, 1)
	go func() { gone <- p.ln.Wait(t.Context()) }()
	if err := p.server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-gone; err != nil {
		t.Errorf("Wait after the last close: %v", err)
	}

	ended, end := context.WithCancelCause(t.Context())
	q, err := connect(t, "tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer q.stop()
	cause := errors.New("enough")
	end(cause)
	if err := q.ln.Wait(ended); !errors.Is(err, cause) {
		t.Errorf("Wait with an open connection and an ended context: got %v, want %v", err, cause)
	}
}

func TestClosingSome(t *testing.T) {
	silent, err := connect(t, "tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.stop()
	if n := silent.ln.CloseSilent(); n != 1 || silent.ln.Open() != 0 {
		t.Errorf("CloseSilent closed %d of 1 that never spoke, %d left", n, silent.ln.Open())
	}

	spoken, err := connect(t, "tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer spoken.stop()
	exchange(t, spoken.client, spoken.server)
	if n := spoken.ln.CloseSilent(); n != 0 || spoken.ln.Open() != 1 {
		t.Errorf("CloseSilent closed %d that had spoken, %d left", n, spoken.ln.Open())
	}
	spoken.server.Begin()
	if all, busy := spoken.ln.Left(); all != 1 || busy != 1 {
		t.Errorf("Left = %d, %d; want 1, 1", all, busy)
	}
	if n := spoken.ln.CloseAll(); n != 1 || spoken.ln.Open() != 0 {
		t.Errorf("CloseAll closed %d of 1, %d left", n, spoken.ln.Open())
	}
}

// TestFinishServesTheQueue leaves connections in the kernel's queue and wants
// all of them accepted before the listener closes.
func TestFinishServesTheQueue(t *testing.T) {
	const queued = 20
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := track.NewListener(inner, ledger.New())
	for range queued {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	accepted := make(chan int)
	go func() {
		n := 0
		for {
			c, err := ln.Accept()
			if err != nil {
				accepted <- n
				return
			}
			defer c.Close()
			n++
		}
	}()
	if err := ln.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-accepted; n != queued {
		t.Errorf("accepted %d of %d", n, queued)
	}
}

// TestFinishAfterClose is what happens when a server closes its listener by
// itself when it is told to stop.
func TestFinishAfterClose(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := track.NewListener(inner, ledger.New())
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ln.Finish(t.Context()); err != nil {
		t.Errorf("Finish after Close: got %v, want nil", err)
	}
}

// TestCopyBetweenTwo sends a file's worth through two tracked connections,
// which is what a proxy does.
func TestCopyBetweenTwo(t *testing.T) {
	const size = 4 << 20
	from, err := connect(t, "tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer from.stop()
	to, err := connect(t, "tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer to.stop()
	go func() {
		_, _ = io.CopyN(from.client, zeros{}, size)
		_ = from.client.Close()
	}()
	got := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(io.Discard, to.client)
		got <- n
	}()
	limited := io.LimitReader(from.server, size/2)
	first, err := to.server.ReadFrom(limited)
	if err != nil || first != size/2 {
		t.Fatalf("limited copy: %d, %v; want %d", first, err, size/2)
	}
	rest, err := io.Copy(to.server, from.server)
	if err != nil || rest != size-size/2 {
		t.Fatalf("copy: %d, %v; want %d", rest, err, size-size/2)
	}
	if err := to.server.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != size {
		t.Errorf("got %d bytes, want %d", n, size)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// pair is a tracked connection and its peer.
type pair struct {
	ln     *track.Listener
	page   *ledger.Page
	server *track.Conn
	client net.Conn
}

func (p *pair) stop() {
	_ = p.client.Close()
	_ = p.server.Close()
	_ = p.ln.Close()
}

func connect(t *testing.T, network string) (*pair, error) {
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	inner, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	p := &pair{page: ledger.New()}
	p.ln = track.NewListener(inner, p.page)
	if p.client, err = net.Dial(network, p.ln.Addr().String()); err != nil {
		return nil, err
	}
	c, err := p.ln.Accept()
	if err != nil {
		return nil, err
	}
	p.server = track.Of(c)
	return p, nil
}

func exchange(t *testing.T, from, to net.Conn) {
	t.Helper()
	if _, err := from.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = to.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(to, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// TestWaitForAnArrival closes a listener when the kernel has given out a
// connection that Accept has not yet: nobody may think that all are gone.
func TestWaitForAnArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		inner := slowListener{arrives: make(chan net.Conn)}
		ln := track.NewListener(inner, ledger.New())
		accepted := make(chan net.Conn, 1)
		go func() {
			c, err := ln.Accept()
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}()
		synctest.Wait()
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		waited := make(chan error, 1)
		go func() { waited <- ln.Wait(t.Context()) }()
		stillWaits := func(when string) {
			t.Helper()
			synctest.Wait()
			select {
			case err := <-waited:
				t.Fatalf("Wait returned %v %s", err, when)
			default:
			}
		}
		stillWaits("while a connection was arriving")
		inner.arrives <- server
		c := <-accepted
		stillWaits("while a connection was open")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-waited; err != nil {
			t.Errorf("Wait when the connection had been closed: %v", err)
		}
	})
}

// slowListener accepts what it is told to, after Close too.
type slowListener struct{ arrives chan net.Conn }

func (l slowListener) Accept() (net.Conn, error) { return <-l.arrives, nil }
func (l slowListener) Close() error              { return nil }
func (l slowListener) Addr() net.Addr            { return &net.TCPAddr{} }
