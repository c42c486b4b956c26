package bind

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// Datagram is the network of Parse for a socket that carries datagrams instead
// of connections.
func Datagram(network string) string {
	switch network {
	case "tcp":
		return "udp"
	case "unix":
		return "unixgram"
	case "fd":
		return "fdgram"
	}
	return network
}

// Packet says whether s carries datagrams, and so is opened by ListenPacket.
func (s Socket) Packet() bool {
	switch s.Network {
	case "udp", "udp4", "udp6", "unixgram", "fdgram":
		return true
	}
	return false
}

// ListenPacket opens a socket for datagrams, as Listen does for connections.
//
// On Linux, one of UDP that is not bound to a single address tells of each
// datagram to which address it came, so that the answer can leave from there.
func (s Socket) ListenPacket(ctx context.Context) (net.PacketConn, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	var conn net.PacketConn
	var err error
	switch s.Network {
	case "fdgram":
		var fd int
		if fd, err = inherited(s.Address, true); err == nil {
			conn, err = PacketFromDescriptor(fd)
		}
	case "unixgram":
		conn, err = listenUnixgram(ctx, s.Address, s.Mode)
	case "udp", "udp4", "udp6":
		var config net.ListenConfig
		conn, err = config.ListenPacket(ctx, s.Network, s.Address)
	default:
		return nil, fmt.Errorf("listen on %s: a socket for connections takes no datagrams", s.Address)
	}
	if err != nil {
		return nil, explain(s, err)
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		err = tellDestination(udp)
	}
	if err == nil && s.Buffer > 0 {
		err = setBuffer(conn, s.Buffer)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("listen on %s: %w", s.Address, err)
	}
	return conn, nil
}

func listenUnixgram(ctx context.Context, path string, mode fs.FileMode) (net.PacketConn, error) {
	if err := removeStale(ctx, "unixgram", path); err != nil {
		return nil, err
	}
	config := restricted(mode)
	conn, err := config.ListenPacket(ctx, "unixgram", path)
	if err != nil {
		return nil, err
	}
	if mode != 0 {
		err = os.Chmod(path, mode) // gives back what the umask has taken
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
