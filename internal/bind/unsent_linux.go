package bind

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent is how many bytes that have not been sent the kernel keeps for a
// connection, at most. By default it is 4 MiB, which a client has for nothing
// that asks for something large and takes none of it, while the server believes
// to be done. What is on its way does not count, so that it slows nobody down.
const unsent = 128 << 10

// boundUnsent has all connections that ln accepts inherit the bound. There is
// none for sockets that are not TCP's.
func boundUnsent(ln net.Listener) {
	socket, ok := ln.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := socket.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent)
		})
	}
}
