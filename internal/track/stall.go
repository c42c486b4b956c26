package track

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// Stalls counts what Watch has ended. Its zero value is ready.
type Stalls struct {
	Writes atomic.Uint64 // connections whose peer did not take
	Bodies atomic.Uint64 // requests whose client did not give
}

const (
	least = 1 << 10 // what must move, in bytes, while something waits for it
	looks = 10      // in the time of Stall
)

// Watch ends the connections whose peer takes less than 1 KiB in the time of
// Stall while a write waits for it, and the reading of bodies that bring less
// while they are read. What waits for nothing may last. Watch returns when ctx
// ends, at once if Stall is not above 0. It is called once; log has at most a
// line for each look, of which there are ten in the time of Stall.
func (l *Listener) Watch(ctx context.Context, log *slog.Logger) {
	if l.Stall <= 0 {
		return
	}
	period := max(l.Stall/looks, time.Millisecond)
	look := time.NewTicker(period)
	defer look.Stop()
	for {
		look.Stop()
		select {
		case <-l.arrived:
		case <-ctx.Done():
			return
		}
		look.Reset(period)
		for l.Open() > 0 {
			select {
			case <-look.C:
				l.endStalled(log)
			case <-ctx.Done():
				return
			}
		}
	}
}

func (l *Listener) endStalled(log *slog.Logger) {
	var bodies []*Body
	conns := l.find(func(c *Conn) bool {
		bodies = c.appendStalled(bodies)
		return c.stalled()
	})
	for _, c := range conns {
		l.Stalls.Writes.Add(1)
		c.reset()
	}
	for _, b := range bodies {
		l.Stalls.Bodies.Add(1)
		b.expire()
	}
	if len(conns)+len(bodies) > 0 {
		log.Warn("clients stood still", "for", l.Stall, "connections_closed", len(conns), "bodies_ended", len(bodies))
	}
}

// A pace is what one look at something that waits leaves for the next. Only
// Watch uses it. It counts looks and not time: of a process that has itself
// stood still, nobody can say that its peers have.
type pace struct {
	looks int
	moved uint64
}

// slow says whether less than 1 KiB has moved in the time of Stall, while each
// look found it waiting. That moved is a count that grows.
func (p *pace) slow(waiting bool, moved uint64) bool {
	if !waiting || moved-p.moved >= least {
		p.looks, p.moved = 0, moved
		return false
	}
	p.looks++
	return p.looks > looks // the first may have come at once
}

// Writes are tallied in one word: those that wait in its lower half, those
// that have come back in its upper.
const (
	began    = 1
	cameBack = 1<<32 - began
)

// stalled asks the kernel only about a write that was there at the last look.
func (c *Conn) stalled() bool {
	writes := c.writes.Load()
	waiting := uint32(writes) > 0 && writes == c.seen
	c.seen = writes
	var moved uint64
	if waiting {
		moved, waiting = taken(socket(c))
	}
	return c.pace.slow(waiting, moved)
}

// reset closes the connection and has the kernel forget what was never taken,
// which it would offer for minutes.
func (c *Conn) reset() {
	if tcp, ok := socket(c).(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it Close does, later
	}
	_ = c.Close() // the peer may have been quicker
}

// piece is how much is written at once where only the return of a write shows
// that the peer takes something: enough to cost little, so little that a slow
// peer can take it in time.
const piece = 16 << 10

// write has Watch see that it waits.
func (c *Conn) write(p []byte) (n int, err error) {
	for c.listener.Stall > 0 && !c.counted && len(p) > piece && err == nil {
		var m int
		m, err = c.writeOnce(p[:piece])
		n, p = n+m, p[m:]
	}
	if err != nil {
		return n, err
	}
	m, err := c.writeOnce(p)
	return n + m, err
}

func (c *Conn) writeOnce(p []byte) (int, error) {
	c.writes.Add(began)
	n, err := c.Conn.Write(p)
	c.writes.Add(cameBack)
	return n, err
}

// A copy may wait for its source, not only for the peer. Where the kernel does
// not tell which, it is not watched.
func (c *Conn) beginCopy() {
	if c.counted {
		c.writes.Add(began)
	}
}

func (c *Conn) endCopy() {
	if c.counted {
		c.writes.Add(cameBack)
	}
}
