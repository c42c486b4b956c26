package accept

import (
	"net"
	"os"
	"sync/atomic"
	"time"
)

// room holds connections that have been taken from the kernel while as many as
// may be are active. It is guarded by Queue.accepting, except for length.
type room struct {
	canWait deadliner // nil where Accept cannot be woken
	waiters []waiter  // the oldest first
	since   time.Time // there has always been one
	length  atomic.Int64
	first   atomic.Int64 // since when waiters[0] is here, in ns of Unix; 0 for nobody
	turning atomic.Int64 // being told that they are not wanted
}

type waiter struct {
	conn  net.Conn
	since time.Time
	fresh bool // handed over by the door, and not to wait
}

// deadliner is a listener whose Accept can be woken.
type deadliner interface{ SetDeadline(time.Time) error }

// mark has everybody see since when the first waits.
func (r *room) mark() {
	since := int64(0)
	if len(r.waiters) > 0 {
		since = r.waiters[0].since.UnixNano()
	}
	r.first.Store(since)
}

// age is for how long the first has waited.
func (r *room) age() time.Duration {
	since := r.first.Load()
	if since == 0 {
		return 0
	}
	return max(time.Since(time.Unix(0, since)), 0)
}

func (q *Queue) push(w waiter) {
	if len(q.room.waiters) == 0 {
		q.room.since = w.since
	}
	q.room.waiters = append(q.room.waiters, w)
	q.room.mark()
	q.note(1)
}

// note counts n more, or fewer, that are not served yet.
func (q *Queue) note(n int) {
	q.room.length.Add(int64(n))
	q.limits.Group.Wait(n)
}

func (q *Queue) pop() waiter {
	w := q.room.waiters[0]
	q.room.waiters = q.room.waiters[1:]
	q.room.mark()
	q.note(-1)
	return w
}

// nextWaiting is the oldest that waits, if it may go on now, after those who
// have waited for too long have been turned away.
func (q *Queue) nextWaiting() net.Conn {
	for len(q.room.waiters) > 0 {
		age := time.Since(q.room.waiters[0].since)
		switch {
		case q.closed() || q.room.waiters[0].fresh || !q.full():
			w := q.pop()
			q.account.waited.AddDuration(age)
			return w.conn
		case age >= q.patience():
			q.turnAway(q.pop(), Waited)
		default:
			return nil
		}
	}
	return nil
}

// patience is how long a connection may wait: less when the room has not been
// empty for long, since then waiting only makes all of them late.
func (q *Queue) patience() time.Duration {
	if time.Since(q.room.since) > q.limits.MaxWait {
		return q.limits.MaxWait / 4
	}
	return q.limits.MaxWait
}

// take takes a connection from the kernel. It is nil if it has to wait, or has
// been turned away.
func (q *Queue) take() (net.Conn, error) {
	if len(q.room.waiters) > 0 {
		_ = q.room.canWait.SetDeadline(q.room.waiters[0].since.Add(q.patience())) // fails when closed, which Accept says too
		if !q.full() || q.closed() {                                              // whoever wakes us sets a deadline of his own, after that
			return nil, os.ErrDeadlineExceeded
		}
	}
	c, err := q.Listener.Accept()
	if err != nil {
		return nil, err
	}
	q.trouble.over(q)
	switch {
	case !q.makeRoom():
		q.account.refuse(q.event(Open, c.RemoteAddr(), 0))
		reset(c)
	case !q.full():
		return q.letIn(c), nil
	case q.room.canWait == nil || len(q.room.waiters) >= q.limits.Waiting:
		q.turnAway(waiter{conn: c, since: time.Now()}, Full)
	default:
		q.push(waiter{conn: c, since: time.Now()})
	}
	return nil, nil
}

// wake has whoever accepts look again.
func (q *Queue) wake() {
	if q.room.canWait != nil {
		_ = q.room.canWait.SetDeadline(time.Unix(1, 0)) // fails when closed
	}
}

const (
	reading  = 20 * time.Millisecond  // for the header of a request that is refused
	draining = 200 * time.Millisecond // for the rest, so that the answer is not lost
	most     = 256 << 10              // bytes of the rest
)

// turnAway refuses a connection in the background, which ends within a quarter
// of a second.
func (q *Queue) turnAway(w waiter, reason Reason) {
	q.account.refuse(q.event(reason, w.conn.RemoteAddr(), time.Since(w.since)))
	if q.room.turning.Add(1) > int64(q.limits.Waiting) {
		q.room.turning.Add(-1)
		reset(w.conn)
		return
	}
	go func() {
		defer q.room.turning.Add(-1)
		refuse(w.conn, q.limits.Refusal)
	}()
}
