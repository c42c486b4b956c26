package support

import (
	"context"
	"net"
	"time"

	"github.com/support-go/support/internal/packet"
)

// packetUnit is a server that takes datagrams.
type packetUnit struct {
	*post
	process *process
	conn    *packet.Conn
	handled *packetServer // nil if ServePacket does it all
	leave   chan struct{} // closed when ServePacket is to return
}

func newPacketUnit(p *process, o *post, conn net.PacketConn) *packetUnit {
	u := &packetUnit{post: o, process: p, conn: packet.New(conn), leave: make(chan struct{})}
	o.server.addr.Store(address{conn.LocalAddr()})
	u.begun, u.run = u.conn.Reading(), u.serve
	if o.server.Packet != nil {
		u.handled = newPacketServer(p, o.server, u.conn)
	}
	return u
}

// serve answers until the reading is stopped and what has been read is
// answered.
func (u *packetUnit) serve(ctx context.Context) error {
	defer u.close()
	defer u.countDrops() // since the last time
	ctx, cancel := context.WithCancel(context.WithValue(ctx, scopeKey{}, &scope{process: u.process, server: u.server}))
	defer cancel()
	if u.handled != nil {
		return u.handled.serve(ctx)
	}
	go func() {
		select {
		case <-u.leave:
			cancel()
		case <-ctx.Done():
		}
	}()
	return guard("ServePacket", func() error { return u.server.ServePacket(ctx, u.conn) })
}

// stopReading leaves what waits in the kernel's buffer to the other workers, or
// if nobody else reads, sees that it is read.
func (u *packetUnit) stopReading(grace context.Context, alone bool) {
	if alone {
		if err := within(grace, u.conn.Settle); err != nil {
			u.process.log.Warn("datagrams are left in the kernel's buffer", "server", u.server.name(), "error", err)
		}
	}
	close(u.leave)
	if u.handled == nil {
		u.awaitReturn(grace)
	}
	u.conn.Stop()
}

// awaitReturn gives ServePacket a moment to act on the end of its context, before
// its socket gives out.
func (u *packetUnit) awaitReturn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, noticing)
	defer cancel()
	select {
	case <-u.served:
	case <-ctx.Done():
	}
}

func (u *packetUnit) close() { _ = u.conn.Close() } // it may be closed already

// running is how many handlers are at work.
func (u *packetUnit) running() int {
	if u.handled == nil {
		return 0
	}
	return len(u.handled.slots)
}

// watch has the statistics tell how many datagrams the kernel has dropped, until ctx
// ends.
func (u *packetUnit) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		u.countDrops()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// countDrops takes the kernel's own count, which is of the socket and so the same
// in all processes.
func (u *packetUnit) countDrops() {
	if n, known := u.conn.Drops(); known {
		u.process.group.Stats.Peak("packet.kernel_drops", "server", u.server.name()).Reach(float64(n))
	}
}
