package offload

import (
	"context"
	"reflect"
)

// Do runs f when a lane of p is free, and returns what f returns. If f panics,
// so does Do, with the stack of f (see PanicError). If no lane gets free in time, or
// ctx ends before, f is not run, and the error says why.
//
// The context that f is given is ctx with the lane: a nested Do on the same
// pool calls its function at once. f should return soon after ctx has ended;
// see Limits.Patience for one that does not.
func Do[T any](ctx context.Context, p *Pool, f func(context.Context) (T, error)) (T, error) {
	if within(ctx, p) != nil {
		return f(ctx)
	}
	p.init()
	var j job
	ctx, err := p.begin(ctx, &j, p.meter.function(reflect.ValueOf(f).Pointer()))
	if err != nil {
		var none T
		return none, err
	}
	if p.Limits.Patience > 0 {
		return dispatch(ctx, &j, spawn, f)
	}
	defer j.end()
	v, err := f(ctx)
	j.returned = true
	return v, err
}

// DoIf is Do if heavy is true, and calls f at once if not. It saves small
// inputs the way through the pool.
func DoIf[T any](ctx context.Context, p *Pool, heavy bool, f func(context.Context) (T, error)) (T, error) {
	if heavy {
		return Do(ctx, p, f)
	}
	return f(ctx)
}

// Bytes tells how much the job that ctx belongs to has to do, for its
// statistics. Several calls add up. Outside of a job it does nothing.
func Bytes(ctx context.Context, n int) {
	if j := jobOf(ctx); j != nil {
		j.bytes.Add(int64(n))
	}
}
