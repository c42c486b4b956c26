package offload

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// message is what a process and its helper say to each other, in gob, over a
// pipe for each direction. The helper says hello, then each job has one reply,
// and signs of life before that.
// A cancel may come too late: it is for the job of its serial number only.
type message struct {
	Kind     kind
	Serial   int
	Function string
	Timeout  time.Duration // of a job: until its deadline; 0 is none
	Body     []byte        // what is given to a job, or what it returns
	Text     string        // of an error or a panic
	Stack    []byte        // of a panic
	Ended    ended         // an error is that of a context
}

type kind int

const (
	hello kind = iota + 1
	alive      // while a job runs
	start
	cancel
	succeeded
	failed
	panicked
)

// ended tells the errors apart that a caller compares with.
type ended int

const (
	notEnded ended = iota
	canceled
	exceeded
)

func endedBy(err error) ended {
	switch {
	case errors.Is(err, context.Canceled):
		return canceled
	case errors.Is(err, context.DeadlineExceeded):
		return exceeded
	}
	return notEnded
}

func (e ended) error() error {
	switch e {
	case canceled:
		return context.Canceled
	case exceeded:
		return context.DeadlineExceeded
	}
	return nil
}

// RemoteError is the error that a job has returned in a helper process: its
// text, as its type may not exist here. It is context.Canceled or
// context.DeadlineExceeded if that error was.
type RemoteError struct {
	Function string
	Text     string
	ended    ended
}

// Error gives the text and the function.
func (e *RemoteError) Error() string {
	return fmt.Sprintf("%s, in a helper process: %s", e.Function, e.Text)
}

// Unwrap returns the error of a context, or nil.
func (e *RemoteError) Unwrap() error { return e.ended.error() }

// result is what the caller gets.
func (m message) result(function string) ([]byte, error) {
	switch m.Kind {
	case succeeded:
		return m.Body, nil
	case failed:
		return nil, &RemoteError{function, m.Text, m.Ended}
	case panicked:
		return nil, &PanicError{m.Text, m.Stack}
	}
	return nil, fmt.Errorf("offload: helper process answers with a message of kind %d", m.Kind)
}
