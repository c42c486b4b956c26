//go:build unix

package upstream

import (
	"net"
	"syscall"
)

// peeker asks the kernel whether a connection has something to read, the end
// of the stream included.
type peeker struct {
	raw   syscall.RawConn
	look  func(fd uintptr) // made once, so that looking does not allocate
	quiet bool
	buf   [1]byte
}

// newPeeker returns nil for a connection that is not the kernel's.
func newPeeker(nc net.Conn) *peeker {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	p := &peeker{raw: raw}
	p.look = func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), p.buf[:], syscall.MSG_PEEK)
		p.quiet = err == syscall.EAGAIN
	}
	return p
}

// isQuiet tells whether nothing is to be read. Connections do not block, so
// this does not either.
func (p *peeker) isQuiet() bool {
	p.quiet = false
	err := p.raw.Control(p.look)
	return err == nil && p.quiet
}
