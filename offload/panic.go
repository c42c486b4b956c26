package offload

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// PanicError is what a job has panicked with where it ran on another goroutine
// than its caller's. Do and On panic with a *PanicError then; where a job runs on
// its caller's goroutine, its panic passes through untouched. A Process
// returns it as an error: its jobs do not share their caller's fate.
type PanicError struct {
	Value any    // what the job panicked with; of a Process, its text
	Stack []byte // of the job
}

// Error gives the value and the job's stack.
func (p *PanicError) Error() string { return fmt.Sprintf("panic in a job: %v\n\n%s", p.Value, p.Stack) }

// Unwrap returns Value if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// ErrGone is the error of a job that has ended its goroutine with
// runtime.Goexit, as (*testing.T).FailNow does.
var ErrGone = errors.New("offload: the job has called runtime.Goexit")

// outcome is what comes of a job.
type outcome[T any] struct {
	value    T
	err      error
	panicked *PanicError
}

// deliver returns or panics as the job has.
func (o outcome[T]) deliver() (T, error) {
	if o.panicked != nil {
		panic(o.panicked)
	}
	return o.value, o.err
}

// protect calls f and then finish, however f ends.
func protect[T any](f func() (T, error), finish func(outcome[T])) {
	o := outcome[T]{err: ErrGone}
	defer func() { finish(o) }()
	defer func() {
		v := recover()
		if p, ok := v.(*PanicError); ok { // of a job within this one
			o.panicked = p
		} else if v != nil {
			o.panicked = &PanicError{v, debug.Stack()}
		}
	}()
	o.value, o.err = f()
}
