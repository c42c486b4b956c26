package support

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/support-go/support/internal/track"
)

// streamServer calls a function for each connection.
type streamServer struct {
	process *process
	server  *Server
	conns   sync.WaitGroup
}

func newStream(p *process, s *Server) *streamServer {
	return &streamServer{process: p, server: s}
}

func (s *streamServer) serve(ctx context.Context, ln net.Listener) error {
	ctx = context.WithValue(ctx, scopeKey{}, &scope{process: s.process, server: s.server})
	defer s.conns.Wait()
	var delay time.Duration
	for {
		conn, err := ln.Accept()
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
			delay = 0
			s.conns.Go(func() { s.answer(ctx, conn) })
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.As(err, &passing) && passing.Temporary(): // such as no descriptors left
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			s.process.log.Warn("accept", "server", s.server.name(), "error", err, "next_try_in", delay)
			wait(delay, s.process.draining)
		default:
			return err
		}
	}
}

// answer serves one connection, which counts as one request. It may wait for
// its peer for ever.
func (s *streamServer) answer(ctx context.Context, conn net.Conn) {
	c := track.Of(conn)
	c.Begin()
	c.Lasts()
	defer conn.Close()
	if err := s.call(ctx, conn); err != nil {
		s.process.log.Warn("stream ended", "server", s.server.name(), "peer", conn.RemoteAddr().String(), "error", err)
	}
}

func (s *streamServer) call(ctx context.Context, conn net.Conn) error {
	if secret, ok := conn.(*tls.Conn); ok {
		shaking, cancel := context.WithTimeout(ctx, s.server.HTTP.withDefaults().HeaderTimeout)
		defer cancel()
		if err := secret.HandshakeContext(shaking); err != nil {
			return fmt.Errorf("TLS handshake: %w", err)
		}
	}
	return guard("Stream", func() error { return s.server.Stream(ctx, conn) })
}

func (s *streamServer) drain(context.Context, *unit) {}

func (s *streamServer) lame(context.Context, *unit) {}

func (s *streamServer) close() {}
