package offload

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// job is one call of a function, from when a lane is asked for.
type job struct {
	pool  *Pool
	of    *function
	outer *job       // of which this one is part, perhaps in another pool
	admit chan error // of one that waits: nil, or why it may not run
	began time.Time  // with a lane

	bytes    atomic.Int64
	over     atomic.Bool // the lane has been given back
	left     atomic.Bool // the caller has not waited for the end
	returned bool        // f has, and has not panicked
	reported bool        // to be over its budget; guarded by pool.mu
	lane     any         // of Lanes: a *lane

	next, previous *job // in a list of the pool; guarded by pool.mu
}

type jobKey struct{}

func jobOf(ctx context.Context) *job {
	j, _ := ctx.Value(jobKey{}).(*job)
	return j
}

// within returns the job that holds a lane of p for ctx, or nil.
func within(ctx context.Context, p *Pool) *job {
	for j := jobOf(ctx); j != nil; j = j.outer {
		if j.pool == p && !j.over.Load() { // a context may outlive its job
			return j
		}
	}
	return nil
}

// begin waits for a lane, and returns the context of the job. Without an
// error, j.end gives the lane back.
func (p *Pool) begin(ctx context.Context, j *job, of *function) (context.Context, error) {
	j.pool, j.of, j.outer = p, of, jobOf(ctx)
	if err := p.enter(ctx, j); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, jobKey{}, j), nil
}

// end gives the lane of j to the next, and counts what j has done.
func (j *job) end() {
	ran := time.Since(j.began)
	j.over.Store(true)
	j.pool.leave(j)
	j.of.run.AddDuration(ran)
	if n := j.bytes.Load(); n > 0 && ran > 0 {
		j.of.speed().Add(float64(n) / ran.Seconds())
	}
	if !j.returned {
		j.of.count("panics")
	}
}

// enter waits for a lane.
func (p *Pool) enter(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return p.refuse("context", fmt.Errorf("offload: pool %q: not begun: %w", p.Name, context.Cause(ctx)))
	}
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return p.refuse("closed", fmt.Errorf("%w: pool %q", ErrClosed, p.Name))
	case p.running.len < p.Size:
		j.began = time.Now()
		p.start(j)
		p.mu.Unlock()
		j.of.wait.Add(0)
		return nil
	case p.waiting.len >= p.Limits.Queue:
		p.mu.Unlock()
		return p.refuse("full", fmt.Errorf("%w: pool %q has %d jobs running and %d waiting; offer fewer, or raise Size or Queue", ErrShed, p.Name, p.Size, p.Limits.Queue))
	}
	j.admit = make(chan error, 1) // whoever admits j does not wait for it
	p.waiting.push(j)
	p.meter.waiting.Add(1)
	p.mu.Unlock()
	return p.await(ctx, j)
}

// start notes that j holds a lane. The caller holds p.mu.
func (p *Pool) start(j *job) {
	p.running.push(j)
	p.meter.running.Add(1)
	p.watch.start(p)
}

// await waits until j is admitted.
func (p *Pool) await(ctx context.Context, j *job) error {
	since := time.Now()
	defer p.meter.waiting.Add(-1)
	late, stop := p.late()
	defer stop()
	var reason string
	var err error
	select {
	case err = <-j.admit:
		return p.admitted(j, err, since)
	case <-late:
		reason, err = "wait", fmt.Errorf("%w: pool %q has had no lane free for %v; offer fewer jobs, or raise Size or Wait", ErrShed, p.Name, p.Limits.Wait)
	case <-ctx.Done():
		reason, err = "context", fmt.Errorf("offload: pool %q: waited %v for a lane: %w", p.Name, time.Since(since).Round(time.Millisecond), context.Cause(ctx))
	}
	if !p.withdraw(j) { // it has been admitted meanwhile
		if admitted := <-j.admit; admitted == nil {
			p.leave(j)
		}
	}
	return p.refuse(reason, err)
}

func (p *Pool) admitted(j *job, err error, since time.Time) error {
	if err != nil {
		return p.refuse("closed", fmt.Errorf("%w: pool %q", err, p.Name))
	}
	j.of.wait.AddDuration(time.Since(since))
	return nil
}

// late returns a channel that tells when a job has waited too long.
func (p *Pool) late() (<-chan time.Time, func() bool) {
	if p.Limits.Wait < 0 {
		return nil, func() bool { return false }
	}
	t := time.NewTimer(p.Limits.Wait)
	return t.C, t.Stop
}

func (p *Pool) withdraw(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.remove(j)
}

// leave takes the lane from j and gives it to the job that waits longest.
func (p *Pool) leave(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running.remove(j)
	p.meter.running.Add(-1)
	if next := p.waiting.first; next != nil {
		p.waiting.remove(next)
		next.began = time.Now()
		p.start(next)
		next.admit <- nil
		return
	}
	if p.closed && p.running.len == 0 {
		close(p.empty)
	}
}

func (p *Pool) refuse(reason string, err error) error {
	p.meter.refused(reason)
	return err
}
