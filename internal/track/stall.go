package track

import (
	"context"
	"log/slog"
	"net"
	"time"
)

// least is what must move in the time of Stall, in bytes, while something waits
// for it.
const least = 1 << 10

// period is the time between two looks: a tenth of Stall, and a second at most,
// as that is how long a flood goes unnoticed.
func (l *Listener) period() time.Duration {
	return min(max(l.Stall/10, time.Millisecond), time.Second)
}

// Watch ends the connections whose peer takes less than 1 KiB in the time of
// Stall while a write waits for it, and the reading of bodies that bring less
// while they are read. What waits for nothing may last. Of what gives or takes
// next to nothing there may be no more than Slow at once, and of HTTP/2 frames
// that belong to no request no flood. Watch returns when ctx ends, at once if
// Stall is not above 0. It is called once; log has at most a line for each look.
func (l *Listener) Watch(ctx context.Context, log *slog.Logger) {
	if l.Stall <= 0 {
		return
	}
	look := time.NewTicker(l.period())
	defer look.Stop()
	for {
		look.Stop()
		select {
		case <-l.arrived:
		case <-ctx.Done():
			return
		}
		look.Reset(l.period())
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

// verdict is what a look finds.
type verdict int

const (
	runs   verdict = iota
	drags          // next to nothing moves
	stands         // and has not for the time of Stall
)

// sight is what a look finds in all connections.
type sight struct {
	slow, noisy []*Conn
	stuck       []*flow
	laggards    []laggard
}

func (s *sight) see(c *Conn, period time.Duration, looks int) {
	switch c.look(looks) {
	case stands:
		s.slow = append(s.slow, c)
	case drags:
		s.laggards = append(s.laggards, c.laggard(c.lag.looks, c.reset))
	}
	if c.noisy(period) {
		s.noisy = append(s.noisy, c)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.flows {
		switch f.look(looks) {
		case stands:
			s.stuck = append(s.stuck, f)
		case drags:
			s.laggards = append(s.laggards, c.laggard(f.lag.looks, f.expire))
		}
	}
}

func (l *Listener) endStalled(log *slog.Logger) {
	period := l.period()
	looks := int(l.Stall / period)
	var s sight
	l.find(func(c *Conn) bool {
		s.see(c, period, looks)
		return false
	})
	for _, c := range s.slow {
		l.Faults.add(SlowReader)
		c.reset()
	}
	for _, c := range s.noisy {
		l.Faults.add(Noise)
		c.reset()
	}
	for _, f := range s.stuck {
		l.Faults.add(f.fault)
		f.expire()
	}
	crowd := tooMany(s.laggards, l.Slow)
	for _, one := range crowd {
		l.Faults.add(Crowd)
		one.end()
	}
	if len(s.slow)+len(s.noisy)+len(s.stuck)+len(crowd) > 0 {
		log.Warn("clients stood still or made noise", "for", l.Stall, "connections_closed", len(s.slow), "streams_ended", len(s.stuck),
			"slow_ended", len(crowd), "slow_left", len(s.laggards)-len(crowd), "noisy_closed", len(s.noisy))
	}
}

// A pace is what one look at something that waits leaves for the next. Only
// Watch uses it. It counts looks and not time: of a process that has itself
// stood still, nobody can say that its peers have.
type pace struct {
	looks int
	moved uint64
}

// slow says whether less than enough has moved in that many looks, each of which
// found it waiting. That moved is a count that grows.
func (p *pace) slow(waiting bool, moved, enough uint64, looks int) bool {
	if !waiting || moved-p.moved >= enough {
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

// look asks the kernel only about a write that was there at the last look, and
// about what may be left of an answer that the server is done with.
func (c *Conn) look(looks int) verdict {
	writes := c.writes.Load()
	waiting := uint32(writes) > 0 && writes == c.seen
	owes := c.counted && c.owes.Swap(false)
	c.seen = writes
	var moved uint64
	if waiting || owes {
		moved, waiting = taken(socket(c))
		if waiting && owes {
			c.owes.Store(true)
		}
	}
	stalled := c.pace.slow(waiting, moved, least, looks)
	lags := c.lag.slow(waiting, moved, little, lagging)
	switch {
	case stalled:
		return stands
	case lags:
		return drags
	}
	return runs
}

// reset closes the connection and has the kernel forget what was never taken,
// which it would offer for minutes.
func (c *Conn) reset() {
	c.cut.Store(true)
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

// much is what a kernel is asked about, in bytes, when it has been written: that
// somebody does not take less than that is no harm.
const much = 2 << 10

func (c *Conn) writeOnce(p []byte) (int, error) {
	if len(p) > alert && !c.answered.Load() {
		c.answered.Store(true)
	}
	if len(p) > much && !c.owes.Load() {
		c.owes.Store(true)
	}
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
		c.owes.Store(true)
		c.writes.Add(cameBack)
	}
}
