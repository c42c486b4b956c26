// Package packet reads and answers datagrams on a socket that several processes
// may share.
//
// Each datagram goes to one of them. Who stops reading leaves to the others what
// waits in the kernel's buffer, and can go on answering what it has read.
package packet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is this process's end of a socket for datagrams. Its methods may be
// called by any number of goroutines.
type Conn struct {
	net.PacketConn // use Read, or ReadFrom

	reading chan struct{} // closed at the first read
	first   sync.Once
	stopped atomic.Bool
}

// New takes conn over.
func New(conn net.PacketConn) *Conn {
	return &Conn{PacketConn: conn, reading: make(chan struct{})}
}

// Peer is who has sent a datagram, and to which of our addresses. The zero Peer
// is nobody.
type Peer struct {
	udp     netip.AddrPort
	unix    *net.UnixAddr
	control [controlSize]byte // message that has an answer leave from where the datagram came to
	length  int               // of control
}

// controlSize is enough for a control message with an address, of IPv4 or IPv6.
const controlSize = 64

// Addr is the peer's address, or nil if it has none that can be answered.
func (p *Peer) Addr() net.Addr {
	switch {
	case p.udp.IsValid():
		return net.UDPAddrFromAddrPort(p.udp)
	case p.unix != nil:
		return p.unix
	}
	return nil
}

// Read waits for a datagram and reads what of it fits into b. After Stop its
// error is net.ErrClosed.
func (c *Conn) Read(b []byte) (n int, peer Peer, err error) {
	c.begin()
	switch conn := c.PacketConn.(type) {
	case *net.UDPConn:
		n, peer.length, _, peer.udp, err = conn.ReadMsgUDPAddrPort(b, peer.control[:])
		peer.length = answerFrom(peer.control[:peer.length])
	case *net.UnixConn:
		n, peer.unix, err = conn.ReadFromUnix(b)
	default:
		err = errors.ErrUnsupported
	}
	return n, peer, c.explain(err)
}

// ReadFrom is Read for whoever wants a net.PacketConn.
func (c *Conn) ReadFrom(b []byte) (n int, from net.Addr, err error) {
	c.begin()
	n, from, err = c.PacketConn.ReadFrom(b)
	return n, from, c.explain(err)
}

func (c *Conn) begin() { c.first.Do(func() { close(c.reading) }) }

// explain makes of the end of reading what Stop has promised.
func (c *Conn) explain(err error) error {
	if err != nil && c.stopped.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		return net.ErrClosed
	}
	return err
}

// Errors of answers.
var (
	ErrNobody = errors.New("packet: the sender has no address to answer to") // a unix socket that has not been bound
	ErrFull   = errors.New("packet: the peer does not read, and its buffer is full")
)

// Write sends b to peer, from the address to which the peer's own datagram came.
// It does not wait for a peer on a unix socket that does not read.
func (c *Conn) Write(b []byte, peer *Peer) error {
	var err error
	switch conn := c.PacketConn.(type) {
	case *net.UDPConn:
		if !peer.udp.IsValid() {
			return ErrNobody
		}
		_, _, err = conn.WriteMsgUDPAddrPort(b, peer.control[:peer.length], peer.udp)
	case *net.UnixConn:
		if peer.unix == nil || peer.unix.Name == "" {
			return ErrNobody
		}
		err = sendAtOnce(conn, b, peer.unix)
	default:
		err = errors.ErrUnsupported
	}
	return err
}

// Reading is closed once somebody has begun to read.
func (c *Conn) Reading() <-chan struct{} { return c.reading }

// Stop ends reading, now and for ever. What waits in the kernel's buffer is left
// to whoever shares the socket.
func (c *Conn) Stop() {
	c.stopped.Store(true)
	_ = c.PacketConn.SetReadDeadline(past) // its error is that the socket is closed
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// SetReadDeadline sets the time at which ReadFrom gives up. Stop is stronger.
func (c *Conn) SetReadDeadline(t time.Time) error {
	err := c.PacketConn.SetReadDeadline(t)
	if c.stopped.Load() {
		c.Stop()
	}
	return err
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.PacketConn.SetWriteDeadline(t), c.SetReadDeadline(t))
}

// Settle returns when the kernel's buffer is empty or ctx ends. Somebody must be
// reading meanwhile.
func (c *Conn) Settle(ctx context.Context) error {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		waiting, err := c.readable()
		if err != nil || !waiting {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Drops is how many datagrams the kernel has dropped since the socket was opened, in
// whichever process, because its buffer was full. It is not known everywhere.
func (c *Conn) Drops() (n uint32, known bool) {
	raw, err := c.raw()
	if err != nil {
		return 0, false
	}
	if err := raw.Control(func(fd uintptr) { n, known = drops(fd) }); err != nil {
		return 0, false
	}
	return n, known
}

func (c *Conn) raw() (syscall.RawConn, error) {
	socket, ok := c.PacketConn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return socket.SyscallConn()
}
