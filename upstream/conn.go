package upstream

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/support-go/support/netbuf"
)

// Conn is a connection on loan. It is a net.Conn, and must be given back with
// Release, or Close if it should not be used again.
//
// A Conn remembers what happens on it: after a failed read or write, a
// time-out, or with bytes left over, Release closes it. Using it after that
// gives ErrReleased. That is certain until the same connection has been lent
// four times more, since memory is reused.
type Conn struct {
	s     *socket
	state atomic.Uint32
	buf   *netbuf.Conn // made when first asked for
}

const (
	lent uint32 = iota + 1
	released
	closed
)

// loanRing is how many loans of a connection can be told apart.
const loanRing = 5

// Release gives the connection back for others to use, or closes it if it is
// not fit for that. Only the second Release of a loan fails, with ErrReleased;
// after Close it does nothing, so a caller may always defer it.
func (c *Conn) Release() error {
	if c.state.CompareAndSwap(lent, released) {
		c.s.e.put(c.s, c.leftOver())
		return nil
	}
	if c.state.Load() == closed {
		return nil
	}
	c.s.e.svc.m.misused(c.s.e, "released twice")
	return ErrReleased
}

// Close closes the connection, where Release would give it back. After Release
// it fails with ErrReleased.
func (c *Conn) Close() error {
	if c.state.CompareAndSwap(lent, closed) {
		c.s.e.put(c.s, true)
		return nil
	}
	if c.state.Load() == closed {
		return net.ErrClosed
	}
	return ErrReleased
}

// Fail says that the answer was bad, though it arrived: it counts against the
// address like a failed read, and Release will close the connection.
func (c *Conn) Fail(err error) {
	if c.state.Load() == lent {
		c.s.broken.Store(true)
		c.s.setReason(err)
		c.s.blame(err)
	}
}

// Messages returns the connection as one to read messages from, always the
// same for a loan. What it has read and not given out is seen by Release.
func (c *Conn) Messages() *netbuf.Conn {
	if c.buf == nil {
		c.buf = netbuf.NewConn(c)
	}
	return c.buf
}

// leftOver tells whether bytes wait in either direction.
func (c *Conn) leftOver() bool {
	return c.buf != nil && (len(c.buf.Buffered()) > 0 || c.buf.Queued() > 0)
}

// using returns ErrReleased unless the loan lasts.
func (c *Conn) using() error {
	switch c.state.Load() {
	case lent:
		return nil
	case closed:
		return net.ErrClosed
	}
	c.s.e.svc.m.misused(c.s.e, "used after its release")
	return ErrReleased
}

// Read reads what has arrived, see net.Conn. It waits no longer than
// Timeouts.Response, the deadline, and that of the context that Get was given.
func (c *Conn) Read(b []byte) (int, error) {
	if c.state.Load() != lent {
		return 0, c.using()
	}
	return c.s.Read(b)
}

// Write sends b, see net.Conn, in no more time than Read has.
func (c *Conn) Write(b []byte) (int, error) {
	if c.state.Load() != lent {
		return 0, c.using()
	}
	return c.s.Write(b)
}

// CloseWrite tells the peer that nothing follows. The connection will not be
// lent again.
func (c *Conn) CloseWrite() error {
	if err := c.using(); err != nil {
		return err
	}
	c.s.broken.Store(true)
	if half, ok := c.s.nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// CloseRead shuts down the reading side. The connection will not be lent again.
func (c *Conn) CloseRead() error {
	if err := c.using(); err != nil {
		return err
	}
	c.s.broken.Store(true)
	if half, ok := c.s.nc.(interface{ CloseRead() error }); ok {
		return half.CloseRead()
	}
	return errors.ErrUnsupported
}

// ReadFrom sends everything from r until its end. The kernel does it (splice,
// sendfile) where both allow that. It may take long: no response time-out
// bounds it, deadlines do. The connection will not be lent again.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if err := c.using(); err != nil {
		return 0, err
	}
	c.s.broken.Store(true)
	if from, ok := r.(*Conn); ok {
		return from.WriteTo(c.s.nc)
	}
	n, err := io.Copy(c.s.nc, r)
	c.s.written.Add(n)
	return n, err
}

// WriteTo sends everything that arrives to w, until the peer closes, as
// ReadFrom does.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if err := c.using(); err != nil {
		return 0, err
	}
	c.s.broken.Store(true)
	n, err := io.Copy(w, c.s.nc)
	c.s.read.Add(n)
	return n, err
}

// SetDeadline sets the deadline of this loan's reads and writes.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of this loan's reads.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.setDeadline(&c.s.readBy, t, c.s.nc.SetReadDeadline)
}

// SetWriteDeadline sets the deadline of this loan's writes.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(&c.s.writeBy, t, c.s.nc.SetWriteDeadline)
}

func (c *Conn) setDeadline(d *deadline, t time.Time, set func(time.Time) error) error {
	if err := c.using(); err != nil {
		return err
	}
	response := c.s.e.timeouts.Response
	if c.s.fresh {
		response = -1
	}
	c.s.timed.Store(true)
	return d.setUser(c.s.e.clock().at(t), response, c.s.e.clock(), set)
}

// LocalAddr returns the local address.
func (c *Conn) LocalAddr() net.Addr { return c.s.nc.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.s.nc.RemoteAddr() }

// ConnectionState returns what TLS has agreed on, or nil without TLS.
func (c *Conn) ConnectionState() *tls.ConnectionState {
	t, ok := c.s.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	state := t.ConnectionState()
	return &state
}
