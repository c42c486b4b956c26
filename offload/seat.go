package offload

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// seat is a place for a helper. It belongs to one job at a time.
type seat struct {
	of *Process

	mu     sync.Mutex // guards what follows; of a seat that is taken, only its job needs no lock
	taken  bool
	helper *helper // nil until it is needed
	next   *helper // is being started in its place; or nil
}

// call runs a job in the seat's helper.
func (s *seat) call(ctx context.Context, request message) ([]byte, error) {
	s.take()
	defer s.leave()
	h, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	reply, err := h.call(ctx, request, s.of.Limits.Patience)
	if err != nil {
		s.vacate()
		return nil, err
	}
	if reply.Kind == panicked { // who knows what it has left behind
		s.vacate()
	} else {
		s.renew()
	}
	if reply.Ended != notEnded && ctx.Err() != nil { // which of two reasons it has seen first does not matter
		return nil, fmt.Errorf("offload: %s, in a helper process: %w", request.Function, context.Cause(ctx))
	}
	return reply.result(request.Function)
}

func (s *seat) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = true
}

func (s *seat) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn()
	s.taken = false
}

// renew has another helper started if the present one is due, and no other seat
// is being renewed. Until it serves, the present one goes on, also if none can
// be started.
func (s *seat) renew() {
	if s.next != nil || !s.helper.due(s.of.Cycle) || s.of.cycling.Swap(true) {
		return
	}
	next, err := s.of.start()
	if err != nil { // or after the next job
		s.of.cycling.Store(false)
		return
	}
	old := s.helper
	s.next = next
	s.of.helpers.Go(func() { s.replace(old, next) })
}

// replace puts next in the place of old, unless the seat is taken, whose job
// does so. It returns when old has gone, or next cannot serve.
func (s *seat) replace(old, next *helper) {
	defer s.of.cycling.Store(false)
	<-next.greeted
	s.mu.Lock()
	if !s.taken {
		s.turn()
	}
	s.mu.Unlock()
	if next.greeting == nil {
		<-old.exited
	}
}

// turn puts the next helper in the place of the present one, if it serves or the
// latter has died.
func (s *seat) turn() {
	switch {
	case s.helper != nil && s.helper.gone():
		s.vacate()
	case s.next == nil || !s.next.serves():
	case s.next.greeting != nil:
		_ = s.of.noteStart(s.next.greeting) // which has others wait before they try
		s.next.dismiss()
		s.next = nil
	default:
		s.vacate()
	}
}

// ready returns a helper that serves. One that does not before ctx ends is for
// the next job.
func (s *seat) ready(ctx context.Context) (*helper, error) {
	s.turn()
	if s.helper == nil {
		h, err := s.of.start()
		if err != nil {
			return nil, err
		}
		s.helper = h
	}
	select {
	case <-s.helper.greeted:
	case <-ctx.Done():
		return nil, fmt.Errorf("offload: Process %q: helper is being started: %w", s.of.Name, context.Cause(ctx))
	}
	if err := s.helper.greeting; err != nil {
		s.vacate()
		return nil, s.of.noteStart(err)
	}
	return s.helper, s.of.noteStart(nil)
}

// vacate ends the helper, and does not wait for that. The next one, if any, takes
// its place.
func (s *seat) vacate() {
	if s.helper != nil {
		s.helper.dismiss()
	}
	s.helper, s.next = s.next, nil
}

// close ends all.
func (s *seat) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vacate()
	s.vacate()
}

// start starts a helper, unless others have failed to start just now.
func (p *Process) start() (*helper, error) {
	if !p.served.Load() {
		return nil, fmt.Errorf("%w: call Serve of Process %q at the beginning of main", ErrStart, p.Name)
	}
	p.mu.Lock()
	rest, reason := time.Until(p.rest), p.reason
	p.mu.Unlock()
	if rest > 0 {
		return nil, fmt.Errorf("%w; the next one is started in %v", reason, rest.Round(time.Millisecond))
	}
	h, err := p.launch()
	if err != nil {
		return nil, p.noteStart(err)
	}
	return h, nil
}

// noteStart notes how a start has gone: each failure doubles the time until
// the next.
func (p *Process) noteStart(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.failures = 0
		return nil
	}
	p.reason = fmt.Errorf("%w: Process %q: %w", ErrStart, p.Name, err)
	p.rest = time.Now().Add(min(100*time.Millisecond<<p.failures, 10*time.Second))
	p.failures = min(p.failures+1, 10)
	return p.reason
}
