package strict

import (
	"context"
	"math/rand/v2"
	"time"
)

// pacer says when a connection's next request is due. It belongs to one
// goroutine.
type pacer struct {
	every time.Duration // between requests that are due by rate; 0: none
	idle  time.Duration // mean pause after an answer; 0: none
	next  time.Time     // when the next is due, with every
	rng   *rand.Rand
	timer *time.Timer // stopped and drained between uses
}

// newPacer starts the connection's share of a rate at a random phase.
func newPacer(l Load, rng *rand.Rand, start time.Time) *pacer {
	p := &pacer{idle: l.Pace.Idle, rng: rng, timer: time.NewTimer(time.Hour)}
	p.timer.Stop()
	if l.Pace.Rate > 0 {
		p.every = time.Duration(float64(l.Conns) / l.Pace.Rate * float64(time.Second))
		p.next = start.Add(time.Duration(rng.Int64N(max(int64(p.every), 1))))
	}
	return p
}

// due returns when the next request is due after what ended now.
func (p *pacer) due(now time.Time) time.Time {
	switch {
	case p.every > 0:
		due := p.next
		p.next = due.Add(p.every)
		return due
	case p.idle > 0:
		return now.Add(p.idle/2 + time.Duration(p.rng.Int64N(int64(p.idle)+1)))
	}
	return now
}

// from returns when a request's latency begins: when it was due by rate, and
// otherwise when it is sent.
func (p *pacer) from(due, now time.Time) time.Time {
	if p.every > 0 {
		return due
	}
	return now
}

// wait returns true at the time given, or false as soon as ctx ends.
func (p *pacer) wait(ctx context.Context, until time.Time) bool {
	d := time.Until(until)
	if d <= 0 {
		return ctx.Err() == nil
	}
	p.timer.Reset(d)
	select {
	case <-p.timer.C:
		return true
	case <-ctx.Done():
		p.timer.Stop()
		return false
	}
}
