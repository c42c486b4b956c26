package support

import (
	"context"
	"errors"
	"net"

	"github.com/support-go/support/prefork"
)

// opened is the socket of a server: it takes connections, or datagrams.
type opened struct {
	ln   net.Listener
	conn net.PacketConn
}

func (o opened) close() error {
	if o.conn != nil {
		return o.conn.Close()
	}
	return o.ln.Close()
}

// listen opens the sockets of all servers, or none.
func (g *Group) listen(ctx context.Context) ([]opened, error) {
	var sockets []opened
	var close []func()
	var problems []error
	for _, s := range g.all() {
		o, err := s.open(ctx)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		sockets = append(sockets, o)
		close = append(close, func() {
			_ = o.close()
			s.socket().Remove()
		})
	}
	if len(problems) == 0 {
		return sockets, nil
	}
	for _, c := range close {
		c()
	}
	return nil, errors.Join(problems...)
}

func (s *Server) open(ctx context.Context) (o opened, err error) {
	if s.datagrams() {
		o.conn, err = s.socket().ListenPacket(ctx)
	} else {
		o.ln, err = s.socket().Listen(ctx)
	}
	return o, err
}

func (g *Group) removeFiles() {
	for _, s := range g.all() {
		s.socket().Remove()
	}
}

// inherit takes the sockets of servers from the supervisor.
func inherit(w *prefork.Worker, servers []*Server) ([]opened, error) {
	var sockets []opened
	for _, s := range servers {
		var o opened
		var err error
		if s.datagrams() {
			o.conn, err = w.PacketConn(s.name())
		} else {
			o.ln, err = w.Listener(s.name())
		}
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, o)
	}
	return sockets, nil
}

// resolved makes a net.Addr of an address that the kernel has given.
func resolved(b prefork.Bound) net.Addr {
	if b.Network == "unix" || b.Network == "unixgram" {
		return &net.UnixAddr{Name: b.Actual, Net: b.Network}
	}
	if b.Packet() {
		if addr, err := net.ResolveUDPAddr("udp", b.Actual); err == nil {
			return addr
		}
		return &net.UnixAddr{Name: b.Actual, Net: "unixgram"} // an inherited one
	}
	if addr, err := net.ResolveTCPAddr("tcp", b.Actual); err == nil {
		return addr
	}
	return &net.UnixAddr{Name: b.Actual, Net: "unix"} // an inherited unix socket
}
