package support

import (
	"context"
	"net"
	"time"

	"github.com/support-go/support/internal/track"
)

// customServer leaves everything to Server.Serve.
type customServer struct {
	process *process
	server  *Server
	ctx     context.Context
	stop    context.CancelFunc
}

func newCustom(p *process, s *Server) *customServer {
	ctx, stop := context.WithCancel(context.WithValue(p.ctx, scopeKey{}, &scope{process: p, server: s}))
	return &customServer{process: p, server: s, ctx: ctx, stop: stop}
}

func (c *customServer) serve(ln net.Listener) error { return c.server.Serve(c.ctx, ln) }

// noticing is how long a custom server has to act on the end of its context
// before its listener gives out. One that learns of the stop from the listener
// first, as grpc.Server does, takes it for a failure.
const noticing = time.Second

// drain ends the server's context and waits until it has closed its listener.
func (c *customServer) drain(ln *track.Listener) {
	c.stop()
	wait(noticing, ln.Closed())
}

func (c *customServer) lame() {}

func (c *customServer) close() { c.process.end(errGrace) }
