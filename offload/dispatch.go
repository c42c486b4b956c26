package offload

import (
	"context"
	"fmt"
	"time"
)

// spawn runs a job on a goroutine of its own. It is not waited for when its
// caller has lost patience; Close does that.
func spawn(run func()) { go run() }

// dispatch has f run elsewhere, and waits for it, while ctx lasts or the
// pool's patience.
func dispatch[T any](ctx context.Context, j *job, start func(func()), f func(context.Context) (T, error)) (T, error) {
	done := make(chan outcome[T], 1) // the caller may have left
	start(func() {
		protect(func() (T, error) { return f(ctx) }, func(o outcome[T]) {
			j.returned = o.panicked == nil
			j.end()
			done <- o
			if o.panicked != nil && j.left.Load() {
				j.pool.Log.Error("abandoned job panicked", "pool", j.pool.Name, "function", j.of.name, "error", o.panicked)
			}
		})
	})
	if o, ok := await(ctx, j.pool.Limits.Patience, done); ok {
		return o.deliver()
	}
	j.left.Store(true)
	j.of.count("abandoned")
	var none T
	return none, fmt.Errorf("offload: pool %q: %s goes on though its context has ended: %w", j.pool.Name, j.of.name, context.Cause(ctx))
}

// await receives from done, until ctx has ended and patience with it. Without
// patience it waits for ever.
func await[T any](ctx context.Context, patience time.Duration, done <-chan T) (v T, ok bool) {
	if patience <= 0 {
		return <-done, true
	}
	select {
	case v = <-done:
		return v, true
	case <-ctx.Done():
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case v = <-done:
		return v, true
	case <-t.C:
		return v, false
	}
}
