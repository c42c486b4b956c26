// Package layer lays a connection over another without hiding what that one can
// do beside reading and writing.
package layer

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// Conn is embedded by a connection that watches the one below. It passes on
// copying in the kernel, closing one half, lingering and system calls; who
// embeds it replaces what it has to see.
type Conn struct{ net.Conn }

// NetConn is the connection below.
func (c Conn) NetConn() net.Conn { return c.Conn }

// ReadFrom copies from src, in the kernel where possible.
func (c Conn) ReadFrom(src io.Reader) (int64, error) {
	if below, ok := c.Conn.(io.ReaderFrom); ok {
		return below.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, src)
}

// WriteTo copies to dst until the end, in the kernel where possible.
func (c Conn) WriteTo(dst io.Writer) (int64, error) {
	if below, ok := c.Conn.(io.WriterTo); ok {
		return below.WriteTo(dst)
	}
	return io.Copy(dst, struct{ io.Reader }{c.Conn})
}

// CloseWrite closes the sending half, or fails with [errors.ErrUnsupported].
func (c Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// CloseRead closes the receiving half, or fails with [errors.ErrUnsupported].
func (c Conn) CloseRead() error {
	if half, ok := c.Conn.(interface{ CloseRead() error }); ok {
		return half.CloseRead()
	}
	return errors.ErrUnsupported
}

// SetLinger sets what Close does with what has not been sent, or fails with
// [errors.ErrUnsupported].
func (c Conn) SetLinger(sec int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		return tcp.SetLinger(sec)
	}
	return errors.ErrUnsupported
}

// SyscallConn gives access to the socket, or fails with
// [errors.ErrUnsupported].
func (c Conn) SyscallConn() (syscall.RawConn, error) {
	if raw, ok := c.Conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
