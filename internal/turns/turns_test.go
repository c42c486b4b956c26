//go:build unix

package turns_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/turns"
)

// table is a socket, and a board for those who share it.
type table struct {
	t     *testing.T
	mem   []byte
	board *turns.Board
	ln    net.Listener
	fd    int
}

func newTable(t *testing.T) *table {
	t.Helper()
	ln, err := bind.Socket{Name: "test", Network: "tcp", Address: "127.0.0.1:0"}.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	fd, err := bind.Descriptor(ln)
	if err != nil {
		t.Fatal(err)
	}
	tb := &table{t: t, mem: make([]byte, turns.Size), ln: ln, fd: fd}
	if tb.board, err = turns.On(tb.mem); err != nil {
		t.Fatal(err)
	}
	return tb
}

// guest is a worker: it closes what it accepts, and counts it.
type guest struct {
	*turns.Seat
	ln    *turns.Listener
	taken atomic.Int64
	done  sync.WaitGroup
}

// sit has another worker take part, which does not accept yet.
func (tb *table) sit(n int) *guest {
	tb.t.Helper()
	ln, err := bind.FromDescriptor(tb.fd)
	if err != nil {
		tb.t.Fatal(err)
	}
	g := &guest{Seat: tb.board.Seat(n)}
	if g.ln, err = turns.NewListener(ln, g.Seat); err != nil {
		tb.t.Fatal(err)
	}
	tb.t.Cleanup(func() { _ = g.ln.Close(); g.done.Wait() })
	return g
}

func (g *guest) accept() *guest {
	g.done.Go(func() {
		for {
			conn, err := g.ln.Accept()
			if err != nil {
				return
			}
			g.taken.Add(1)
			_ = conn.Close()
		}
	})
	return g
}

// visit makes connections, one after another, and waits until each is closed.
func (tb *table) visit(times int) {
	tb.t.Helper()
	for range times {
		conn, err := net.Dial("tcp", tb.ln.Addr().String())
		if err != nil {
			tb.t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = conn.Read(make([]byte, 1))
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			tb.t.Fatal("nobody took a connection")
		}
		_ = conn.Close()
	}
}

func TestTurns(t *testing.T) {
	for _, clients := range []int{1, 8} {
		t.Run(fmt.Sprint(clients), func(t *testing.T) {
			tb := newTable(t)
			var guests []*guest
			for i := range 4 {
				guests = append(guests, tb.sit(i).accept())
			}
			var visiting sync.WaitGroup
			for range clients {
				visiting.Go(func() { tb.visit(800 / clients) })
			}
			visiting.Wait()
			var counts []int64
			for _, g := range guests {
				counts = append(counts, g.taken.Load())
			}
			// On a busy machine siblings miss their moments; bench/fairaccept has figures.
			if least, most := slices.Min(counts), slices.Max(counts); most > 4*least {
				t.Errorf("connections by worker: %d; want them even", counts)
			}
		})
	}
}

// TestAbsentSibling: nothing waits for long for one that does not accept, and
// when it comes back it does not get at once all that it has missed.
func TestAbsentSibling(t *testing.T) {
	tb := newTable(t)
	present, absent := tb.sit(0).accept(), tb.sit(1)
	tb.visit(200)
	if n := present.taken.Load(); n != 200 {
		t.Fatalf("%d of 200 were taken", n)
	}
	absent.accept()
	tb.visit(200)
	if n := absent.taken.Load(); n < 20 || n > 180 {
		t.Errorf("it has taken %d of 200 since it is back; want about 100", n)
	}
}

func TestSiblingThatHasGone(t *testing.T) {
	tests := map[string]func(tb *table, g *guest){
		"closed": func(_ *table, g *guest) { _ = g.ln.Close() },
		"dead":   func(tb *table, _ *guest) { tb.board.Clear(1) },
	}
	for name, leave := range tests {
		t.Run(name, func(t *testing.T) {
			tb := newTable(t)
			stays := tb.sit(0).accept()
			leave(tb, tb.sit(1))
			tb.visit(100)
			if n := stays.taken.Load(); n != 100 {
				t.Errorf("%d of 100 were taken", n)
			}
		})
	}
}

// TestFullWorker: it leaves connections to the other one, unless that is full
// too.
func TestFullWorker(t *testing.T) {
	tb := newTable(t)
	full, other := tb.sit(0), tb.sit(1)
	full.Full(true)
	if !full.Spare() {
		t.Error("nobody has room, though one sibling is not full")
	}
	full.accept()
	other.accept()
	tb.visit(100)
	// The other may miss its moment now and then on a busy machine.
	if n := full.taken.Load(); n > 50 {
		t.Errorf("the full worker has taken %d of 100", n)
	}
	before := full.taken.Load()
	other.Full(true)
	if full.Spare() {
		t.Error("somebody has room, though all are full")
	}
	tb.visit(100)
	if n := full.taken.Load() - before; n < 10 || n > 90 {
		t.Errorf("when all were full, one has taken %d of 100", n)
	}
}

// TestScribbledBoard: whatever a board says, connections are taken.
func TestScribbledBoard(t *testing.T) {
	tb := newTable(t)
	for i := range 3 {
		tb.sit(i).accept()
	}
	random := rand.NewChaCha8([32]byte{1})
	for range 20 {
		_, _ = random.Read(tb.mem)
		tb.visit(10)
	}
}

// TestClose ends an Accept that waits for its turn, or for a connection.
func TestClose(t *testing.T) {
	tb := newTable(t)
	g := tb.sit(0)
	tb.sit(1)
	g.Full(true) // so that it waits at the gate
	g.accept()
	for range 100 {
		runtime.Gosched()
	}
	if err := g.ln.Close(); err != nil {
		t.Error(err)
	}
	g.done.Wait()
	if err := g.ln.Close(); err == nil {
		t.Error("the second Close is no error")
	}
}

func TestSmallMemory(t *testing.T) {
	if _, err := turns.On(make([]byte, 64)); err == nil {
		t.Error("a board on 64 bytes")
	}
}
