package admit

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// stay is the place of a request that its handler can find, since the context
// has it. Most requests do without: it costs a copy of the request.
type stay struct {
	gate  *Gate
	class Class

	place grant // what follows is guarded by gate.mu
	aside int   // goroutines of the request that wait for something else
	since time.Time
	over  bool
}

type (
	stayKey struct{}
	gateKey struct{}
)

// NewContext returns a context for all requests that g lets in, as an
// http.Server's BaseContext gives it. With it StepAside works.
func (g *Gate) NewContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, gateKey{}, g)
}

// ClassOf is the class of the request to which ctx belongs, if a Gate's Handler
// has let that in, else Default.
func ClassOf(ctx context.Context) Class {
	if s, _ := ctx.Value(stayKey{}).(*stay); s != nil {
		return s.class
	}
	return Default
}

// StepAside has the request to which ctx belongs give its place to another
// until back is called, which must be, and does not wait; further calls do
// nothing. It is for one that waits for something with bounds of its own, such
// as a lane of package offload: it does not compute then. Several goroutines of a request may do so; it has
// its place again when none of them waits. Where ctx belongs to no request of a
// gate, StepAside does nothing.
//
// The first request of which it is asked has no place that can be found: it only
// sees to it that later ones have, since that costs each of them a copy.
func StepAside(ctx context.Context) (back func()) {
	if s, _ := ctx.Value(stayKey{}).(*stay); s != nil {
		return s.leave()
	}
	if g, _ := ctx.Value(gateKey{}).(*Gate); g != nil {
		g.lends.Store(true)
	}
	return func() {}
}

// leave gives the place away as if the request had ended.
func (s *stay) leave() (back func()) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.aside++; s.aside == 1 && !s.over {
		s.since = time.Now()
		s.gate.vacateLocked(s.place)
		s.gate.handOnLocked(s.since)
	}
	return sync.OnceFunc(s.back)
}

// back takes a place whether there is one or not: whoever has waited elsewhere
// has been let in there.
func (s *stay) back() {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.aside--; s.aside > 0 || s.over {
		return
	}
	s.gate.running++
	s.place.age = s.gate.ages.begin()
	if !s.place.began.IsZero() { // the time aside is none of service
		s.place.began = s.place.began.Add(time.Since(s.since))
	}
}

func (s *stay) end() {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.over = true
	if s.aside == 0 {
		s.gate.endLocked(s.place)
	}
}

// serve has the handler answer a request in a context with its place.
func (s *stay) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	inner := r.WithContext(context.WithValue(r.Context(), stayKey{}, s))
	defer func() { // after a panic too
		r.Pattern, r.MultipartForm = inner.Pattern, inner.MultipartForm // for those outside, and net/http
		s.end()
	}()
	next.ServeHTTP(w, inner)
}
