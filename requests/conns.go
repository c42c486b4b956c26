package requests

import (
	"context"
	"net"
	"sync"
)

// conns end the contexts of open connections. The context of a server that can
// end keeps those of all its connections until they have ended themselves.
type conns struct {
	mu sync.Mutex
	of map[net.Conn]context.CancelCauseFunc
}

func (s *conns) add(c net.Conn, cancel context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make(map[net.Conn]context.CancelCauseFunc)
	}
	s.of[c] = cancel
}

// remove returns what ends the context of c, or nil if c is not known.
func (s *conns) remove(c net.Conn) context.CancelCauseFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	cancel := s.of[c]
	delete(s.of, c)
	return cancel
}
