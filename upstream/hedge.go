package upstream

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Hedging says when a call is made once more. Zero fields take defaults.
type Hedging struct {
	Delay    time.Duration // without an answer, before another attempt; default none: only after a failure
	Attempts int           // in all; default 2

	// May, if not nil, is asked before each attempt but the first, such as to
	// keep within a budget.
	May func() bool
}

// Hedge makes a call that may safely be made more than once. It makes it again
// as soon as it fails, and beside the first after each Delay without an
// answer; the first success counts, and the ctx of the others ends. Hedge
// returns when none of them runs on its own goroutine any more but those that
// do not heed their ctx; T should own nothing, for late successes are dropped.
// If all attempts fail, it returns the error of the last.
func Hedge[T any](ctx context.Context, h Hedging, call func(ctx context.Context) (T, error)) (T, error) {
	orDefault(&h.Attempts, 2)
	r := repeater[T]{
		attempts: h.Attempts, delay: h.Delay,
		may: func(DecisionKind, error) bool { return h.May == nil || h.May() },
		call: func(ctx context.Context, _ int) outcome[T] {
			v, err := call(ctx)
			return outcome[T]{value: v, err: err, again: ctx.Err() == nil}
		},
	}
	o, cancel := r.run(ctx)
	cancel()
	return o.value, o.err
}

// errBeaten is why the ctx of an attempt ends when another has succeeded.
var errBeaten = errors.New("upstream: another attempt was quicker")

// outcome is how an attempt has ended.
type outcome[T any] struct {
	value T
	err   error
	again bool // after err, another attempt makes sense
}

// repeater makes a call until it succeeds.
type repeater[T any] struct {
	attempts int
	delay    time.Duration // 0 for no hedges
	may      func(kind DecisionKind, last error) bool
	call     func(ctx context.Context, attempt int) outcome[T]
	discard  func(T)     // of a success that comes too late; may be nil
	before   *outcome[T] // of a first attempt that has been made already; nil if none has

	mu      sync.Mutex
	started int
	cancels []context.CancelCauseFunc // of all attempts, by number
	beside  int                       // attempts that run on goroutines of their own
	winner  *outcome[T]
	won     int
	last    outcome[T]    // the last failure
	changed chan struct{} // has room for one; something beside has ended
	timer   *time.Timer
}

// run makes the call. cancel releases what the ctx of the attempt holds whose
// outcome this is, and must be called; that outcome may depend on it.
func (r *repeater[T]) run(ctx context.Context) (o outcome[T], cancel context.CancelFunc) {
	if r.delay <= 0 {
		return r.inTurn(ctx), func() {}
	}
	r.changed = make(chan struct{}, 1)
	r.started = 1
	r.mu.Lock() // until the timer is where hedge looks for it
	r.timer = time.AfterFunc(r.delay, func() { r.hedge(ctx) })
	r.mu.Unlock()
	defer r.timer.Stop()
	for r.attempt(ctx) {
	}
	return r.settle()
}

// settle waits until an attempt has succeeded or all have failed.
func (r *repeater[T]) settle() (o outcome[T], cancel context.CancelFunc) {
	for {
		r.mu.Lock()
		winner, won, beside, last := r.winner, r.won, r.beside, r.last
		var cancel context.CancelCauseFunc
		if winner != nil {
			cancel = r.cancels[won]
		}
		r.mu.Unlock()
		if winner != nil {
			r.cancelAllBut(won)
			return *winner, func() { cancel(nil) }
		}
		if beside == 0 {
			return last, func() { r.cancelAllBut(-1) }
		}
		<-r.changed
	}
}

// inTurn makes the call again only after a failure.
func (r *repeater[T]) inTurn(ctx context.Context) (o outcome[T]) {
	for n := 0; ; n++ {
		if n == 0 && r.before != nil {
			o = *r.before
		} else {
			o = r.call(ctx, n)
		}
		if o.err == nil || !o.again || n+1 >= r.attempts || ctx.Err() != nil || !r.may(DecideRetry, o.err) {
			return o
		}
	}
}

// attempt makes an attempt that has been counted in started, and tells whether
// to make another in its place, which has been counted as well.
func (r *repeater[T]) attempt(ctx context.Context) (again bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	if r.winner != nil { // since it was counted
		r.mu.Unlock()
		cancel(nil)
		return false
	}
	n := len(r.cancels)
	r.cancels = append(r.cancels, cancel)
	r.mu.Unlock()
	return r.ended(n, r.call(ctx, n))
}

// ended notes the end of an attempt, and tells whether to make another in its
// place.
func (r *repeater[T]) ended(n int, o outcome[T]) (again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case o.err == nil && r.winner == nil:
		r.winner, r.won = &o, n
		return false
	case o.err == nil:
		if r.discard != nil {
			r.discard(o.value)
		}
		return false
	}
	if r.winner != nil {
		return false
	}
	r.last = o
	if !o.again || r.started >= r.attempts || !r.may(DecideRetry, o.err) {
		return false
	}
	r.started++
	return true
}

// hedge makes an attempt beside those that run, when they take long.
func (r *repeater[T]) hedge(ctx context.Context) {
	r.mu.Lock()
	if r.winner != nil || r.started >= r.attempts || ctx.Err() != nil || !r.may(DecideHedge, nil) {
		r.mu.Unlock()
		return
	}
	r.started++
	r.beside++
	r.timer.Reset(r.delay)
	r.mu.Unlock()
	for r.attempt(ctx) {
	}
	r.mu.Lock()
	r.beside--
	winner, won := r.winner, r.won
	r.mu.Unlock()
	if winner != nil {
		r.cancelAllBut(won)
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *repeater[T]) cancelAllBut(won int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, cancel := range r.cancels {
		if n != won {
			cancel(errBeaten)
		}
	}
}
