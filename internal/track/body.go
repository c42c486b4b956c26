package track

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Body is the body of a request, whose reading Watch ends when the client
// does not give. What is not being read may wait.
type Body struct {
	io.ReadCloser
	conn    *Conn
	reading atomic.Bool
	given   atomic.Uint64 // bytes
	ended   atomic.Bool   // by an error or the end of the body

	mu   sync.Mutex
	ends ReadDeadline // nil after Release; mu

	pace pace
}

// ReadDeadline ends the reading of a body, as http.ResponseController does.
type ReadDeadline interface{ SetReadDeadline(time.Time) error }

// WatchBody has Watch look at the reading of body, which is that of a request
// on this connection, until Release. If the client does not give, the deadline
// of ends is set to a time that has passed.
func (c *Conn) WatchBody(body io.ReadCloser, ends ReadDeadline) *Body {
	b := &Body{ReadCloser: body, conn: c, ends: ends}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies = append(c.bodies, b)
	return b
}

// Release ends the watch: the deadline is not set any more. It says whether the
// body has been read to its end or an error.
func (b *Body) Release() (ended bool) {
	b.mu.Lock()
	b.ends = nil
	b.mu.Unlock()
	c := b.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies = slices.DeleteFunc(c.bodies, func(other *Body) bool { return other == b })
	return b.ended.Load()
}

// releaseBodies is for a connection that is not net/http's any more.
func (c *Conn) releaseBodies() {
	c.mu.Lock()
	bodies := slices.Clone(c.bodies)
	c.mu.Unlock()
	for _, b := range bodies {
		b.ended.Store(true)
		b.Release()
	}
}

// Read reads from the body.
func (b *Body) Read(p []byte) (int, error) {
	b.reading.Store(true)
	n, err := b.ReadCloser.Read(p)
	b.reading.Store(false)
	b.given.Add(uint64(n))
	if err != nil {
		b.ended.Store(true)
	}
	return n, err
}

// expire makes the read that waits fail.
func (b *Body) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ends != nil {
		_ = b.ends.SetReadDeadline(time.Unix(1, 0)) // fails only where there is nothing to end
	}
}

func (b *Body) stalled() bool {
	return b.pace.slow(b.reading.Load(), b.given.Load())
}

// appendStalled adds the bodies on which a handler waits in vain.
func (c *Conn) appendStalled(to []*Body) []*Body {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.bodies {
		if b.stalled() {
			to = append(to, b)
		}
	}
	return to
}
