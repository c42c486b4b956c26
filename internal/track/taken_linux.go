package track

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// counts says whether the kernel tells exactly what a peer has taken, and
// whether there is more for it to take.
func counts(c net.Conn) bool {
	_, ok := c.(*net.TCPConn)
	return ok
}

// taken is a count of the bytes that the peer has taken, and whether there are
// more for it to take: a copy from a silent source waits, but not for the peer.
//
// Of a unix socket it is the length of the queue, which is no count: but while
// a write waits, the queue changes only as the peer takes something, and a
// count that has gone back is one that has moved. The write itself would be
// woken only when three quarters of the queue have been taken.
func taken(c net.Conn) (n uint64, more bool) {
	switch c := c.(type) {
	case *net.TCPConn:
		control(c, func(fd int) {
			if info, err := unix.GetsockoptTCPInfo(fd, unix.SOL_TCP, unix.TCP_INFO); err == nil {
				n, more = info.Bytes_acked, info.Notsent_bytes > 0 || info.Unacked > 0
			}
		})
		return n, more
	case *net.UnixConn:
		control(c, func(fd int) {
			if queue, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ); err == nil {
				n = uint64(queue)
			}
		})
	}
	return n, true
}

// control does nothing on a socket that is closed.
func control(c syscall.Conn, f func(fd int)) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
