package offload

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/support-go/support/admit"
)

// job is one call of a function, from when a lane is asked for.
type job struct {
	pool     *Pool
	of       *function
	outer    *job                    // of which this one is part, perhaps in another pool
	withdraw context.CancelCauseFunc // of one that waits: ends that
	permit   *admit.Permit           // the lane
	began    time.Time               // with a lane

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
	if ctx.Err() != nil {
		return p.refuse("context", fmt.Errorf("offload: pool %q: not begun: %w", p.Name, context.Cause(ctx)))
	}
	p.first.Do(func() { admit.StepAside(ctx)() }) // so that requests from now on can
	var waited time.Duration
	if j.permit = p.gate.TryAcquire(admit.Default); j.permit == nil {
		var err error
		if waited, err = p.wait(ctx, j); err != nil {
			return err
		}
	}
	if !p.start(j) {
		j.permit.Release()
		return p.refuseClosed()
	}
	j.of.wait.AddDuration(waited)
	return nil
}

// wait has j wait for its permit. The request that it is part of, if it is,
// gives its place to others meanwhile.
func (p *Pool) wait(ctx context.Context, j *job) (waited time.Duration, err error) {
	began := time.Now()
	ctx, j.withdraw = context.WithCancelCause(ctx)
	defer j.withdraw(nil)
	if err := p.queue(j); err != nil {
		return 0, err
	}
	defer p.dequeue(j)
	defer admit.StepAside(ctx)()
	if j.permit, err = p.gate.Acquire(ctx, admit.ClassOf(ctx)); err != nil {
		return 0, p.explain(ctx, err, time.Since(began))
	}
	return time.Since(began), nil
}

// queue notes that j waits, if it may.
func (p *Pool) queue(j *job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return p.refuseClosed()
	case p.waiting.len >= p.Limits.Queue:
		return p.refuse("full", fmt.Errorf("%w: pool %q has %d jobs running and %d waiting; offer fewer, or raise Size or Queue", ErrShed, p.Name, p.running.len, p.waiting.len))
	}
	p.waiting.push(j)
	j.of.waiting.Add(1)
	return nil
}

func (p *Pool) dequeue(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting.remove(j)
	j.of.waiting.Add(-1)
}

// explain says why a job that has waited is not run.
func (p *Pool) explain(ctx context.Context, err error, waited time.Duration) error {
	var shed *admit.Error
	if errors.As(err, &shed) {
		s := p.gate.State()
		err = fmt.Errorf("%w (%v): pool %q has %d jobs running and %d waiting, of about %v each; offer fewer, or raise Size or Wait",
			ErrShed, shed.Reason, p.Name, s.Running, s.Waiting, s.Service.Round(time.Microsecond))
		if shed.Reason == admit.Deadline {
			err = fmt.Errorf("%w: %w", err, context.DeadlineExceeded)
		}
		return p.refuse(shed.Reason.String(), err)
	}
	if errors.Is(err, ErrClosed) {
		return p.refuseClosed()
	}
	return p.refuse("context", fmt.Errorf("offload: pool %q: waited %v for a lane: %w", p.Name, waited.Round(time.Millisecond), context.Cause(ctx)))
}

// start notes that j holds a lane, unless the pool is closed.
func (p *Pool) start(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	j.began = time.Now()
	p.running.push(j)
	j.of.running.Add(1)
	p.watch.start(p)
	return true
}

// leave takes the lane from j.
func (p *Pool) leave(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running.remove(j)
	j.of.running.Add(-1)
	j.permit.Release()
	if p.closed && p.running.len == 0 {
		close(p.empty)
	}
}

func (p *Pool) refuse(reason string, err error) error {
	p.meter.refused(reason)
	return err
}

func (p *Pool) refuseClosed() error {
	return p.refuse("closed", fmt.Errorf("%w: pool %q", ErrClosed, p.Name))
}
