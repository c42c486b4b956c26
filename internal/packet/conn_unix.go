//go:build unix

package packet

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// readable says whether a datagram waits in the kernel.
func (c *Conn) readable() (waiting bool, err error) {
	raw, err := c.raw()
	if err != nil {
		return false, err
	}
	outer := raw.Control(func(fd uintptr) {
		n := 0
		for again := true; again; again = errors.Is(err, unix.EINTR) {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		}
		waiting = n > 0
	})
	return waiting, errors.Join(outer, err)
}

// sendAtOnce sends without waiting for room in the peer's buffer: a peer that does
// not read would hold whoever answers it.
func sendAtOnce(conn *net.UnixConn, b []byte, to *net.UnixAddr) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	outer := raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT, &unix.SockaddrUnix{Name: to.Name})
		return true
	})
	if errors.Is(err, unix.EAGAIN) {
		return ErrFull
	}
	return errors.Join(outer, os.NewSyscallError("sendto", err))
}
