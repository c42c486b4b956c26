package netbuf

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// NetConn returns the connection below. What is buffered or queued is not seen
// there.
func (c *Conn) NetConn() net.Conn { return c.nc }

// SyscallConn returns the raw connection below, or an error that is
// errors.ErrUnsupported. What is buffered or queued is not seen there.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.nc.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, c.unsupported("SyscallConn")
}

// CloseWrite sends what is queued and tells the peer that nothing follows.
// Where the connection below cannot, the error is errors.ErrUnsupported.
func (c *Conn) CloseWrite() error {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return c.unsupported("CloseWrite")
	}
	if err := c.Flush(); err != nil {
		return err
	}
	return half.CloseWrite()
}

// CloseRead shuts down the reading side. Where the connection below cannot, the
// error is errors.ErrUnsupported.
func (c *Conn) CloseRead() error {
	if half, ok := c.nc.(interface{ CloseRead() error }); ok {
		return half.CloseRead()
	}
	return c.unsupported("CloseRead")
}

// ReadFrom sends what is queued and then everything from r until its end. The
// kernel does it (splice, sendfile) where the connection below and r allow
// that, also if r is a Conn. A stream may take long: WriteTimeout does not
// bound it, the write deadline does.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.out.flush(c.nc); err != nil {
		return 0, err
	}
	if src, ok := r.(*Conn); ok {
		return src.drain(c.nc)
	}
	return io.Copy(c.nc, r)
}

// WriteTo sends what is buffered to w and then everything until the peer
// closes. The kernel does it (splice) where the connection below and w allow
// that, also if w is a Conn. A stream may take long: ReadTimeout does not bound
// it, the read deadline does.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if dst, ok := w.(*Conn); ok {
		return dst.ReadFrom(c)
	}
	return c.drain(w)
}

// drain sends what is buffered, and then what follows, to w.
func (c *Conn) drain(w io.Writer) (int64, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	sent := int64(0)
	if c.in.r < c.in.w {
		n, err := w.Write(c.in.unread())
		c.in.r += n
		sent = int64(n)
		if err != nil {
			return sent, err
		}
	}
	if err := c.in.err; err != nil {
		c.in.err = nil
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return sent, err
	}
	c.in.shrink()
	n, err := io.Copy(w, c.nc)
	return sent + n, err
}

// unsupported says that the connection below lacks a method.
func (c *Conn) unsupported(method string) error {
	return fmt.Errorf("netbuf: %s on %T: %w", method, c.nc, errors.ErrUnsupported)
}
