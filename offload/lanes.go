package offload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"

	"github.com/support-go/support/stats"
)

// Lanes is a pool in which each lane has a value of its own, such as a handle
// of a C library or a connection that only one may use at a time. Build is
// required. Its fields must not change once it is in use; its methods, and On,
// may be called by any number of goroutines. Close ends it.
//
// A lane is built when a job first needs it. When a job panics, or fails with
// ErrBroken, its lane is discarded, and the next job builds another.
type Lanes[S any] struct {
	Name   string // see Pool
	Size   int    // see Pool
	Limits Limits

	// Build makes the value of a lane. Its ctx is that of the job which needs
	// the lane, and its error that job's.
	Build func(ctx context.Context) (S, error)

	// Discard gives back what Build has made; nil if there is nothing to give.
	Discard func(S)

	// Thread has each lane keep an operating-system thread, on which Build,
	// Discard and all its jobs run, for libraries that remember by thread. To
	// go there and back costs some microseconds.
	Thread bool

	Log   *slog.Logger    // default slog.Default()
	Stats *stats.Registry // nil keeps none that anybody sees

	once sync.Once
	pool Pool

	mu      sync.Mutex
	idle    []*lane[S] // the one that was used last is the next
	closed  bool
	threads sync.WaitGroup
}

// ErrBroken is what the error of a job wraps when its lane's value is of no
// use any more.
var ErrBroken = errors.New("offload: lane is broken")

// ErrNested is the error of a nested job that would have to run on another
// thread than its lane's, see On.
var ErrNested = errors.New("offload: nested job cannot reach its thread")

// On runs f on a lane of l, as Do does with a Pool, and gives it the lane's
// value. A nested On gets the lane that its job holds. If lanes have threads,
// it must be called by the job itself: not on a goroutine that the job has
// started, nor, which fails with ErrNested, in a job of another pool.
func On[S, T any](ctx context.Context, l *Lanes[S], f func(context.Context, S) (T, error)) (T, error) {
	l.init()
	return on(ctx, l, l.pool.meter.function(reflect.ValueOf(f).Pointer()), f)
}

// on is On for a function of any name.
func on[S, T any](ctx context.Context, l *Lanes[S], of *function, f func(context.Context, S) (T, error)) (T, error) {
	var none T
	if j := within(ctx, &l.pool); j != nil {
		if l.Thread && jobOf(ctx) != j {
			return none, fmt.Errorf("%w: it is in a job of pool %q, which is in one of %q", ErrNested, jobOf(ctx).pool.Name, l.pool.Name)
		}
		return f(ctx, j.lane.(*lane[S]).value)
	}
	var j job
	ctx, err := l.pool.begin(ctx, &j, of)
	if err != nil {
		return none, err
	}
	own := l.take()
	j.lane = own
	run := func(ctx context.Context) (T, error) {
		return use(ctx, l, own, f)
	}
	switch {
	case l.Thread:
		return dispatch(ctx, &j, own.run, run)
	case l.Limits.Patience > 0:
		return dispatch(ctx, &j, spawn, run)
	}
	defer j.end()
	v, err := run(ctx)
	j.returned = true
	return v, err
}

// use calls f with the value of own, and puts own back, or discards it if it
// is broken.
func use[S, T any](ctx context.Context, l *Lanes[S], own *lane[S], f func(context.Context, S) (T, error)) (v T, err error) {
	sound := false
	defer func() { l.release(own, sound) }()
	if !own.built {
		if own.value, err = l.Build(ctx); err != nil {
			return v, fmt.Errorf("offload: pool %q: build a lane: %w", l.pool.Name, err)
		}
		own.built = true
	}
	v, err = f(ctx, own.value)
	sound = !errors.Is(err, ErrBroken)
	return v, err
}
