package offload

import (
	"context"
	"reflect"
	"sync"
)

// Remote is a function that runs in the helpers of a Process.
type Remote[In, Out any] struct {
	process *Process
	name    string
	of      func() *function
	f       func(context.Context, In) (Out, error)
}

// registered is a function as a helper calls it.
type registered struct {
	run func(ctx context.Context, body []byte) ([]byte, error)
	of  *function
}

// Register gives f a name, under which the helpers of p know it. It must be
// called in the same way in each process of the program, before p.Serve.
//
// In and Out travel as encoding/gob does it, which leaves out what is not
// exported; []byte travels as it is, and struct{} takes no room.
func Register[In, Out any](p *Process, name string, f func(ctx context.Context, in In) (Out, error)) Remote[In, Out] {
	if p.served.Load() {
		panic("offload: Register of " + name + " comes after Serve: a helper would not know it")
	}
	if p.functions[name] != nil {
		panic("offload: Register of " + name + " for the second time")
	}
	if p.functions == nil {
		p.functions = make(map[string]*registered)
	}
	run := func(ctx context.Context, body []byte) ([]byte, error) {
		in, err := decode[In](body)
		if err != nil {
			return nil, err
		}
		out, err := f(ctx, in)
		if err != nil {
			return nil, err
		}
		return encode(out, p.Max)
	}
	unseen := meter{pool: p.Name} // the statistics of helpers are those of their parent
	in := unseen.named(functionName(reflect.ValueOf(f).Pointer()))
	in.name = name
	p.functions[name] = &registered{run, in}
	of := sync.OnceValue(func() *function {
		p.init()
		return p.lanes.pool.meter.named(name)
	})
	return Remote[In, Out]{p, name, of, f}
}

// Do runs the function in a helper, with a copy of in, and returns a copy of
// what it returns, or, if that is an error, a *RemoteError. A panic is a
// *PanicError, and ends the helper. When ctx ends, so does that of the
// function; a helper that goes on for longer than Limits.Patience is killed.
//
// Within a job of the same Process, Do calls the function at once.
func (r Remote[In, Out]) Do(ctx context.Context, in In) (out Out, err error) {
	p := r.process
	if p.inside {
		return r.f(ctx, in)
	}
	p.init()
	body, err := encode(in, p.Max)
	if err != nil {
		return out, err
	}
	reply, err := on(ctx, &p.lanes, r.of(), func(ctx context.Context, s *seat) ([]byte, error) {
		Bytes(ctx, len(body))
		return s.call(ctx, message{Kind: start, Function: r.name, Body: body})
	})
	if err != nil {
		return out, err
	}
	return decode[Out](reply)
}
