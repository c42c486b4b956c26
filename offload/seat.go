package offload

import (
	"context"
	"fmt"
	"time"
)

// seat is a place for a helper. It belongs to one job at a time.
type seat struct {
	of     *Process
	helper *helper // nil until it is needed
}

// call runs a job in the seat's helper.
func (s *seat) call(ctx context.Context, request message) ([]byte, error) {
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
	}
	if reply.Ended != notEnded && ctx.Err() != nil { // which of two reasons it has seen first does not matter
		return nil, fmt.Errorf("offload: %s, in a helper process: %w", request.Function, context.Cause(ctx))
	}
	return reply.result(request.Function)
}

// ready returns a helper that serves. One that does not before ctx ends is for
// the next job.
func (s *seat) ready(ctx context.Context) (*helper, error) {
	if s.helper != nil && s.helper.due(s.of.Cycle) {
		s.vacate()
	}
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

// vacate ends the helper, and does not wait for that.
func (s *seat) vacate() {
	if s.helper != nil {
		s.helper.dismiss()
		s.helper = nil
	}
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
