package support

import (
	"context"
	"net"
	"time"
)

// customServer leaves everything to Server.Serve.
type customServer struct {
	process *process
	server  *Server
	leave   chan struct{} // closed when the server is to drain
}

func newCustom(p *process, s *Server) *customServer {
	return &customServer{process: p, server: s, leave: make(chan struct{})}
}

func (c *customServer) serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(context.WithValue(ctx, scopeKey{}, &scope{process: c.process, server: c.server}))
	defer cancel()
	go func() {
		select {
		case <-c.leave:
			cancel()
		case <-ctx.Done():
		}
	}()
	return c.server.Serve(ctx, ln)
}

// noticing is how long a custom server has to act on the end of its context
// before its listener gives out. One that learns of the stop from the listener
// first, as grpc.Server does, takes it for a failure.
const noticing = time.Second

// drain ends the server's context and waits until it has closed its listener.
func (c *customServer) drain(ctx context.Context, u *unit) {
	close(c.leave)
	ctx, cancel := context.WithTimeout(ctx, noticing)
	defer cancel()
	select {
	case <-u.ln.Closed():
	case <-u.served:
	case <-ctx.Done():
	}
}

func (c *customServer) lame(context.Context, *unit) {}

func (c *customServer) close() {}
