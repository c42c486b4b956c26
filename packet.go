package support

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/internal/journal"
	"github.com/support-go/support/internal/packet"
	"github.com/support-go/support/stats"
)

// Packet is a datagram that has come to a server. It is the handler's until that
// returns.
type Packet struct {
	Data []byte // whole; its room is used for others once the handler has returned

	server *packetServer
	peer   packet.Peer
	over   atomic.Bool // the handler has returned
}

// From is the address of the sender, or nil if it has none, as a unix socket
// that has not been bound. Anybody can write any address into a datagram of UDP:
// an answer that is much longer than its question serves to flood others.
func (p *Packet) From() net.Addr { return p.peer.Addr() }

// Reply sends a datagram back to the sender, from the socket and, on Linux, from
// the address to which p came. It may be called any number of times, until the
// handler returns. That there is no error does not say that anything arrives.
func (p *Packet) Reply(data []byte) error {
	if p.over.Load() { // it would not be waited for in a drain
		return errLate
	}
	if err := p.server.conn.Write(data, &p.peer); err != nil {
		return fmt.Errorf("support: reply: %w", err)
	}
	p.server.sent.Add(1)
	return nil
}

var errLate = errors.New("support: reply after the handler has returned")

// Packets bounds what a server takes on of datagrams. Zero fields take the
// defaults.
type Packets struct {
	Handlers int // at once in each process, with room for Size bytes each; the rest waits in the kernel's buffer; default 256
	Size     int // bytes of the longest datagram, longer ones are dropped; default 65,535, which none of UDP exceeds
	Buffer   int // bytes that the kernel holds until they are read, what comes then it drops; default the kernel's
}

func (p Packets) withDefaults() Packets {
	p.Handlers = cmp.Or(p.Handlers, 256)
	p.Size = cmp.Or(p.Size, 65535)
	return p
}

// packetServer calls a function for each datagram.
type packetServer struct {
	process *process
	server  *Server
	conn    *packet.Conn
	limits  Packets

	handlers sync.WaitGroup
	slots    chan struct{} // one for each handler that runs
	rooms    sync.Pool     // of *[]byte, for one byte more than may come
	failures journal.Journal[error]

	received, sent, full, long, failed, panics *stats.Counter
	took                                       *stats.Distribution
}

func newPacketServer(p *process, s *Server, conn *packet.Conn) *packetServer {
	limits := s.Packets.withDefaults()
	counter := func(name string) *stats.Counter { return p.group.Stats.Counter(name, "server", s.name()) }
	ps := &packetServer{
		process: p, server: s, conn: conn, limits: limits, slots: make(chan struct{}, limits.Handlers),
		received: counter("packet.received"), sent: counter("packet.replied"), full: counter("packet.full"),
		long: counter("packet.too_long"), failed: counter("packet.failed"), panics: counter("packet.panics"),
		took: p.group.Stats.Distribution("packet.handler_seconds", "server", s.name()),
	}
	ps.rooms.New = func() any {
		room := make([]byte, limits.Size+1)
		return &room
	}
	return ps
}

// serve reads until the reading is stopped, and returns when the last handler
// has.
func (s *packetServer) serve(ctx context.Context) error {
	defer s.handlers.Wait()
	for {
		s.enter()
		p, room, err := s.read()
		if err != nil {
			s.rooms.Put(room)
			<-s.slots
		}
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, errLong):
		case err != nil: // of the moment, such as too little memory in the kernel
			s.note(err)
			wait(10*time.Millisecond, ctx.Done())
		default:
			s.handlers.Go(func() { s.answer(ctx, p, room) })
		}
	}
}

// enter waits for a handler's slot. Only then is anything read: what waits in
// the kernel's buffer is there for other workers, and outlives this one.
func (s *packetServer) enter() {
	select {
	case s.slots <- struct{}{}:
	default:
		s.full.Add(1)
		s.slots <- struct{}{}
	}
}

var errLong = errors.New("support: datagram is too long")

func (s *packetServer) read() (*Packet, *[]byte, error) {
	room := s.rooms.Get().(*[]byte)
	n, peer, err := s.conn.Read(*room)
	if err != nil {
		return nil, room, err
	}
	s.received.Add(1)
	if n > s.limits.Size {
		s.long.Add(1)
		return nil, room, errLong
	}
	return &Packet{Data: (*room)[:n:n], server: s, peer: peer}, room, nil
}

// answer has one datagram handled. It counts as a request, of no connection.
func (s *packetServer) answer(ctx context.Context, p *Packet, room *[]byte) {
	page := s.process.page
	page.Share(1)
	page.Begin()
	began := time.Now()
	defer func() {
		p.over.Store(true)
		s.took.Add(time.Since(began).Seconds())
		page.End()
		page.Share(-1)
		s.rooms.Put(room)
		<-s.slots
	}()
	if err := s.handle(ctx, p); err != nil {
		s.failed.Add(1)
		s.note(err)
	}
}

func (s *packetServer) handle(ctx context.Context, p *Packet) error {
	returned := false
	defer func() {
		if !returned {
			s.panics.Add(1)
		}
	}()
	return guard("Packet", func() error {
		err := s.server.Packet(ctx, p)
		returned = true
		return err
	})
}

// note logs a failure, unless there have just been others.
func (s *packetServer) note(err error) {
	if since, total := s.failures.Add(err, time.Now()); since > 0 {
		s.process.log.Warn("datagrams failed", "server", s.server.name(), "times", since, "total", total, "error", err)
	}
}
