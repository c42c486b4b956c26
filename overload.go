package support

import (
	"bufio"
	"bytes"
	"cmp"
	"net"
	"net/http"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/prefork"
)

// Overload says what a Handler's server does with more than it can serve. By
// default it serves as many requests at once as Group.Admit lets in, has a few
// wait for a moment, and refuses the rest with 503.
type Overload struct {
	Off bool // serve everything, as net/http does

	// Class says how much a request matters, such as admit.Prefixes.Class. Of a
	// request that is refused before it is read by net/http it sees the header.
	Class func(*http.Request) admit.Class

	// Patience is how long the client of a request will wait; see admit.Policy.
	Patience func(*http.Request) time.Duration

	// Accept bounds connections. Unlike in a Queue that is used alone, any number
	// may be active, since Group.Admit bounds their requests, and HTTP.HeaderTimeout
	// ends those that are silent. Refusal, Room and Group are the group's to set.
	Accept accept.Limits
}

// Gate is what lets requests in: one for all servers of a process, as they share
// its CPU. It is nil in processes that serve nothing, and before Run.
func (g *Group) Gate() *admit.Gate { return g.gate.Load() }

// admitLimits are those of each process, which has its share of the cores.
func (g *Group) admitLimits() admit.Limits {
	limits := g.Admit
	if limits.Cores == 0 {
		workers := max(g.Workers, 1)
		limits.Cores = (admit.Cores() + workers - 1) / workers
	}
	return limits
}

// openGate makes the process's gate, if one of its servers needs it.
func (p *process) openGate(servers []*Server) {
	for _, s := range servers {
		if s.role == "" {
			p.gate = admit.New(p.group.admitLimits(), &p.group.Stats, p.log)
			p.group.gate.Store(p.gate)
			p.group.serving.Store(p)
			p.page.Claim() // again, since there may be more processors now
			return
		}
	}
}

// acceptLimits are the Limits of the server's queue, without what the group sets.
func (s *Server) acceptLimits() accept.Limits {
	limits := s.Overload.Accept
	limits.Active = cmp.Or(limits.Active, -1)
	limits.Silent = cmp.Or(limits.Silent, -1)
	return limits
}

// queue is where the connections of a server come from.
func (p *process) queue(s *Server, ln net.Listener, w *prefork.Worker) *accept.Queue {
	limits := s.acceptLimits()
	limits.Group = accept.Group{Wait: p.page.Wait}
	limits.Refusal = accept.Close
	if s.Handler != nil {
		limits.Refusal = accept.HTTP
	}
	if p.gated(s) {
		limits.Room = p.gate.Room
		if w != nil && p.group.Workers > 1 {
			limits.Group = accept.Group{Siblings: true, Spare: w.Spare, Full: w.Full, Wait: p.page.Wait}
		}
		if s.Overload.Class != nil {
			limits.Refusal = s.refuse
		}
	}
	return accept.NewQueue(ln, limits, &p.group.Stats, p.log.With("server", s.name()))
}

// gated says whether requests of s pass the gate.
func (p *process) gated(s *Server) bool { return p.gate != nil && s.Handler != nil && !s.Overload.Off }

// admitting puts the gate before the handler of s.
func (p *process) admitting(s *Server, handler http.Handler) http.Handler {
	if !p.gated(s) {
		return handler
	}
	return p.gate.Handler(handler, admit.Policy{Class: s.Overload.Class, Patience: s.Overload.Patience, Arrived: arrived})
}

// arrived is when the header of a request came to the socket, or zero where the
// connection carries others as well.
func arrived(r *http.Request) time.Time {
	if c, ok := r.Context().Value(connKey{}).(net.Conn); ok && r.ProtoMajor == 1 {
		if own := accept.Of(c); own != nil {
			return own.Arrived()
		}
	}
	return time.Time{}
}

// refuse refuses what is not critical before the server sees it.
func (s *Server) refuse(head []byte) []byte {
	answer := accept.HTTP(head)
	if answer == nil || head[0] == 22 { // of TLS, whose requests nobody can read
		return answer
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil || s.Overload.Class(r) == admit.Critical {
		return nil
	}
	return answer
}
