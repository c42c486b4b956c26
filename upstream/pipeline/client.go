// Package pipeline lets many callers share one connection of a protocol in
// which answers come in the order of the requests.
//
//	client := pipeline.Client[string, string]{
//		Dial:  func(ctx context.Context) (net.Conn, error) { return up.DialContext(ctx, "tcp", "rates") },
//		Write: func(conn *netbuf.Conn, question string) error { _, err := conn.Queue([]byte(question + "\n")); return err },
//		Read:  func(conn *netbuf.Conn) (string, error) { line, err := conn.ReadUntil([]byte("\n"), 1024); return string(line), err },
//	}
//	defer client.Close()
//	answer, err := client.Do(ctx, "EUR")
//
// Requests that come while others are being sent go out together, in one
// system call.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/support-go/support/netbuf"
)

// ErrClosed is the error of a Client that has been closed.
var ErrClosed = errors.New("pipeline: client is closed")

// Client sends requests of type Q and returns answers of type A. Dial, Write
// and Read are required; fields must not be changed after the first Do. It is
// safe for concurrent use. It connects when it is first needed, and again after
// a failure; each connection has two goroutines, which end with it.
type Client[Q, A any] struct {
	// Dial makes a connection.
	Dial func(ctx context.Context) (net.Conn, error)

	// Write queues a request; it need not flush. An error ends the connection,
	// so a request that cannot be written should be found out before Do.
	Write func(conn *netbuf.Conn, request Q) error

	// Read reads the next answer, and must copy what it returns. An error ends
	// the connection; an answer that says that something is wrong is no error.
	Read func(conn *netbuf.Conn) (A, error)

	Limits Limits

	mu     sync.Mutex
	closed bool
	line   *line[Q, A] // nil before the first Do, and after a failure
	wait   sync.WaitGroup
}

// Limits bound what a Client does. Zero fields take defaults.
type Limits struct {
	Depth   int           // requests that are under way; more wait; default 1,024
	Answer  time.Duration // until the next answer, as long as one is due; default 10 s
	Message int           // bytes of an answer, for Read; default netbuf.DefaultMessage
}

// Error is a failure of the connection while a request was under way, or of
// sending it.
type Error struct {
	Sent bool // the peer may have seen the request: repeat it only if that is safe
	Err  error
}

// Error says what failed, and when.
func (e *Error) Error() string {
	if e.Sent {
		return fmt.Sprintf("pipeline: no answer: %v", e.Err)
	}
	return fmt.Sprintf("pipeline: not sent: %v", e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Do sends a request and returns its answer. If ctx ends before that, the
// connection and the requests of others are not disturbed: the answer is
// dropped when it comes. Other errors are an *Error.
func (c *Client[Q, A]) Do(ctx context.Context, request Q) (A, error) {
	var none A
	l, err := c.connected(ctx)
	if err != nil {
		return none, &Error{Err: err}
	}
	call := &call[Q, A]{request: request, done: make(chan result[A], 1)}
	select {
	case l.requests <- call:
	case <-l.over:
		return none, &Error{Err: l.err}
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	select {
	case r := <-call.done:
		return r.answer, r.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case <-l.over:
	}
	select { // the answer may have come just before the end
	case r := <-call.done:
		return r.answer, r.err
	default:
		return none, &Error{Sent: true, Err: l.err}
	}
}

// Close ends the connection and waits for its goroutines. Requests under way
// fail.
func (c *Client[Q, A]) Close() error {
	c.mu.Lock()
	c.closed = true
	l := c.line
	c.mu.Unlock()
	if l != nil {
		l.end(ErrClosed)
	}
	c.wait.Wait()
	return nil
}

// connected returns the connection, made if need be. Who comes while it is
// being made waits for it.
func (c *Client[Q, A]) connected(ctx context.Context) (*line[Q, A], error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	l := c.line
	if l == nil || l.isOver() {
		l = newLine(c)
		c.line = l
		c.wait.Go(func() { l.run(context.WithoutCancel(ctx)) })
	}
	c.mu.Unlock()
	select {
	case <-l.ready:
		return l, nil
	case <-l.over:
		return nil, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Depth:   cmp.Or(l.Depth, 1024),
		Answer:  cmp.Or(l.Answer, 10*time.Second),
		Message: cmp.Or(l.Message, netbuf.DefaultMessage),
	}
}
