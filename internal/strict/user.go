package strict

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// refusedPause keeps a client whose connections are refused from spinning.
const refusedPause = 5 * time.Millisecond

// user is what the clients of every protocol share: one connection's worth of
// requests, on one goroutine.
type user struct {
	load   Load
	dialer *dialer
	wire   wire
	pace   *pacer
	tally  Tally
	id     []byte        // of the current request
	seq    uint32        // of the next request
	left   *atomic.Int64 // requests that the load may still send; nil: any number
}

// take reports whether one more request may be sent.
func (u *user) take() bool { return u.left == nil || u.left.Add(-1) >= 0 }

// open connects. An error that is the client's own fault ends the trial; any
// other is recorded against the request, and ok is false.
func (u *user) open(from, deadline time.Time) (ok bool, err error) {
	conn, err := u.dialer.dial(deadline)
	switch {
	case err == nil:
		u.wire.open(conn)
		u.tally.Conns++
		return true, nil
	case ownFault(err):
		return false, fmt.Errorf("strict: the client cannot connect, raise its limits or lower the load: %w", err)
	}
	u.fail(fault{err: err}, from)
	return false, nil
}

// fail records a request that got no good answer, and keeps it as an example.
func (u *user) fail(f fault, from time.Time) Outcome {
	o, now := f.outcome(), time.Now()
	u.tally.record(o, from, now)
	u.tell(o, f.err, now)
	return o
}

// tell keeps an example of what happened to the current request.
func (u *user) tell(kind Outcome, err error, now time.Time) {
	e := Example{At: now.Sub(u.tally.start), ID: string(u.id), Served: u.wire.served, Error: err.Error()}
	if u.wire.conn != nil {
		e.Local = u.wire.conn.LocalAddr().String()
	}
	u.tally.example(kind, e)
}

// begin waits for the next request's turn and makes its id current. It returns
// false when the load is done.
func (u *user) begin(ctx context.Context) (from time.Time, ok bool) {
	now := time.Now()
	due := u.pace.due(now)
	if due.After(now) {
		if !u.pace.wait(ctx, due) {
			return from, false
		}
		now = time.Now()
	}
	if ctx.Err() != nil || !u.take() {
		return from, false
	}
	setSequence(u.id, u.seq)
	u.seq++
	return u.pace.from(due, now), true
}
