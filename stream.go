package support

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

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
	for {
		conn, err := ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		s.conns.Go(func() { s.answer(ctx, conn) })
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
