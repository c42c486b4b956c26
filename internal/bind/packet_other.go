//go:build !linux

package bind

import "net"

// tellDestination has nothing to do: the system chooses from where answers
// leave.
func tellDestination(*net.UDPConn) error { return nil }

func setBuffer(conn net.PacketConn, size int) error {
	return conn.(interface{ SetReadBuffer(size int) error }).SetReadBuffer(size)
}
