package admit

import (
	"context"
	"errors"
	"time"
)

// request is what is known of one that cannot run at once.
type request struct {
	class   Class
	name    string        // for the records
	arrived time.Time     // at the socket; zero for now
	patient time.Duration // for how long its client will wait from now on; 0 if unknown
}

// wait has a request wait for its place, or sheds it.
func (g *Gate) wait(ctx context.Context, r request) (grant, error) {
	start := time.Now()
	if r.arrived.IsZero() || r.arrived.After(start) {
		r.arrived = start
	}
	p, w, reason := g.join(r, start)
	switch {
	case reason != admitted:
		return grant{}, g.shed(r, reason)
	case w == nil:
		return p, nil
	}
	end := r.arrived.Add(g.limits.MaxWait)
	why := Waited
	if r.patient > 0 && start.Add(r.patient).Before(end) {
		end, why = start.Add(r.patient), Deadline
	}
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	select {
	case <-w.ready:
	case <-ctx.Done():
		if g.leave(w) {
			return grant{}, g.gone(ctx, r)
		}
	case <-timer.C:
		if g.leave(w) {
			return grant{}, g.shed(r, why)
		}
	}
	// Whoever could not leave has been given its place.
	g.sheds.waited.AddDuration(time.Since(r.arrived))
	return w.place, nil
}

// join puts a request in line, unless it can run now or would wait in vain.
func (g *Gate) join(r request, now time.Time) (grant, *waiter, Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lookLocked(now)
	g.handOnLocked(now)
	switch {
	case r.class < g.lowest:
		return grant{}, nil, Pressure
	case g.line.empty() && (g.busyLocked() < g.limit || g.spareLocked()):
		return g.admitLocked(now), nil, admitted
	case now.Sub(r.arrived) >= g.limits.MaxWait:
		return grant{}, nil, Waited
	case g.line.ahead(r.class) >= g.roomLocked(r.class, now):
		return grant{}, nil, Full
	case r.patient > 0 && g.forecastLocked(r.class) > r.patient:
		return grant{}, nil, Deadline
	}
	w := &waiter{class: r.class, ready: make(chan struct{})}
	if g.line.empty() {
		g.pace.queue(now)
		g.watch.begin(g)
	}
	g.line.push(w, now)
	return grant{}, w, admitted
}

// leave takes a waiter out of the line, unless it has been given a place.
func (g *Gate) leave(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.at == nil {
		return false
	}
	g.line.remove(w)
	return true
}

// gone is for a client that has not waited: that is no decision of ours, unless
// it was a deadline that has passed.
func (g *Gate) gone(ctx context.Context, r request) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return g.shed(r, Deadline)
	}
	g.sheds.gone.Add(1)
	return context.Cause(ctx)
}
