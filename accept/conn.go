package accept

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/support-go/support/internal/layer"
)

// Conn is a connection of a Queue. It passes on what the connection below can do
// beside reading and writing: copying in the kernel, closing one half, system
// calls.
type Conn struct {
	layer.Conn
	queue  *Queue
	watch  *time.Timer   // until the first request is there
	spoken atomic.Bool   // something has come from the peer
	phase  atomic.Int32  // see the constants
	idle   atomic.Uint64 // Queue.taken when it was idle for the first time since
	closed atomic.Bool
}

// The phases of a connection.
const (
	arrived int32 = iota // its request is expected at any moment, and counted
	active               // counted
	slow                 // the request did not come
	idle                 // kept for the next request
	other                // not net/http's any more
)

// soon is how long a new connection is counted without a request, so that a
// burst of them is bounded, and those that say nothing keep nobody out.
const soon = 100 * time.Millisecond

func newConn(q *Queue, below net.Conn) *Conn {
	c := &Conn{Conn: layer.Conn{Conn: below}, queue: q}
	c.idle.Store(q.taken.Load())
	q.active.Add(1)
	first := q.limits.Silent
	if q.hooked.Load() {
		first = soon
	} else {
		c.phase.Store(active)
	}
	if first > 0 {
		c.watch = time.AfterFunc(time.Hour, c.late)
		c.watch.Reset(first) // not before late can see it
	}
	return c
}

// late is for a connection without a request so far.
func (c *Conn) late() {
	if !c.phase.CompareAndSwap(arrived, slow) {
		c.giveUp()
		return
	}
	c.leave()
	if silent := c.queue.limits.Silent; silent > 0 {
		c.watch.Reset(max(silent-soon, 0))
	}
}

// giveUp closes a connection that has never said anything.
func (c *Conn) giveUp() {
	if !c.spoken.Load() {
		c.queue.account.silent.Add(1)
		_ = c.Close() // it may be closed
	}
}

// become changes the phase.
func (c *Conn) become(phase int32) {
	before := c.phase.Swap(phase)
	was, is := before <= active, phase <= active
	switch {
	case is && !was:
		c.queue.active.Add(1)
	case was && !is:
		c.leave()
	}
	if before == arrived && c.watch != nil {
		c.watch.Stop()
	}
	if now := c.queue.taken.Load(); phase == idle && c.idle.Load() != now {
		c.idle.Store(now)
	}
}

// leave gives the place of an active connection to one that waits.
func (c *Conn) leave() {
	c.queue.active.Add(-1)
	if c.queue.room.length.Load() > 0 {
		c.queue.wake()
	}
}

// Read reads from the connection below.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.spoken.Load() {
		c.spoken.Store(true)
	}
	return n, err
}

// Close closes the connection, and gives its place to another.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	if c.closed.CompareAndSwap(false, true) {
		if c.watch != nil {
			c.watch.Stop()
		}
		if phase := c.phase.Load(); (phase == arrived || phase == slow) && c.spoken.Load() {
			c.queue.account.broken.Add(1)
		}
		c.become(other)
		c.queue.forget(c)
	}
	return err
}

// WriteTo copies to dst until the end, in the kernel where possible.
func (c *Conn) WriteTo(dst io.Writer) (int64, error) {
	c.spoken.Store(true)
	return c.Conn.WriteTo(dst)
}
