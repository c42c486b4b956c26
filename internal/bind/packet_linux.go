package bind

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tellDestination has the kernel say with each datagram to which of this
// machine's addresses it came, unless there is only one.
func tellDestination(conn *net.UDPConn) error {
	local := conn.LocalAddr().(*net.UDPAddr).IP
	if !local.IsUnspecified() {
		return nil
	}
	return control(conn, func(fd int) error {
		family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		switch {
		case err != nil:
			return err
		case family == unix.AF_INET6: // for IPv4 on the same socket as well
			return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	})
}

// setBuffer has the kernel hold so many bytes, or says what forbids it.
func setBuffer(conn net.PacketConn, size int) error {
	return control(conn, func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) == nil {
			return nil // with the right to go beyond the limit
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size); err != nil {
			return err
		}
		got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err == nil && got/2 < size { // the kernel doubles it, for what it needs itself
			return fmt.Errorf("the kernel gives a buffer of %d bytes, and %d are asked for: raise net.core.rmem_max, or ask for less", got/2, size)
		}
		return err
	})
}

func control(conn net.PacketConn, do func(fd int) error) error {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	outer := raw.Control(func(fd uintptr) { err = do(int(fd)) })
	return errors.Join(outer, err)
}
