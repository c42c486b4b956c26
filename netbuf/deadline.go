package netbuf

import (
	"sync"
	"time"
)

// A deadline is that of one direction: the one the user set and, while an
// operation with a time-out runs, that operation's. The connection has the
// earlier of both.
type deadline struct {
	mu   sync.Mutex // guards both, and is held while the connection is told
	user time.Time
	op   time.Time // zero while no operation with a time-out runs
}

// setUser sets the user's deadline, also for an operation that runs already.
func (d *deadline) setUser(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user = t
	return set(earlier(t, d.op))
}

// begin starts an operation that may take timeout, which is not zero.
func (d *deadline) begin(timeout time.Duration, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.op = time.Now().Add(timeout)
	return set(earlier(d.user, d.op))
}

// end ends the operation and gives the connection the user's deadline back.
func (d *deadline) end(set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.op = time.Time{}
	_ = set(d.user) // fails on a closed connection only, which needs none
}

// earlier returns the earlier of two deadlines, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// SetDeadline sets the deadline of reads and of writes, as in net.Conn. It
// bounds waiting: what is buffered already can be read after it.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of reads, also of one that waits now.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.readBy.setUser(t, c.nc.SetReadDeadline)
}

// SetWriteDeadline sets the deadline of writes, also of one that waits now.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.writeBy.setUser(t, c.nc.SetWriteDeadline)
}

// beginRead starts the clock of a reading call that is about to wait.
func (c *Conn) beginRead() error {
	if c.Limits.ReadTimeout <= 0 {
		return nil
	}
	return c.readBy.begin(c.Limits.ReadTimeout, c.nc.SetReadDeadline)
}

// endRead stops the clock that beginRead started.
func (c *Conn) endRead() {
	if c.Limits.ReadTimeout > 0 {
		c.readBy.end(c.nc.SetReadDeadline)
	}
}

// beginWrite starts the clock of a writing call.
func (c *Conn) beginWrite() error {
	if c.Limits.WriteTimeout <= 0 {
		return nil
	}
	return c.writeBy.begin(c.Limits.WriteTimeout, c.nc.SetWriteDeadline)
}

// endWrite stops the clock that beginWrite started.
func (c *Conn) endWrite() {
	if c.Limits.WriteTimeout > 0 {
		c.writeBy.end(c.nc.SetWriteDeadline)
	}
}
