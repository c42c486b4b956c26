package upstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Call borrows a connection to a service, has do use it, and gives it back. If
// the connection fails in do, or takes long where Retry.HedgeAt is set, Call has
// do run again with a connection to another address, as far as Retry allows:
// do must be safe to repeat and, with hedges, to run twice at once.
//
// An error of do with which the connection has not failed is the answer: it is
// returned as it is, and the connection is closed, for it may hold the rest.
// Other errors are an *Error that names every address tried and why. When ctx
// ends, so do the reads and writes of do.
func Call[T any](ctx context.Context, m *Manager, name string, do func(ctx context.Context, conn *Conn) (T, error)) (T, error) {
	svc := m.service(name)
	if svc == nil {
		var zero T
		return zero, m.unknown(name)
	}
	if limit := svc.conf.Timeouts.Call; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	t := &trail{svc: svc}
	delay := time.Duration(svc.hedgeAfter.Load())
	var first *outcome[T]
	if delay <= 0 { // most calls end here, and need nothing else
		o := attempt(ctx, svc, t, do)
		if o.err == nil {
			svc.budget.earn()
			return o.value, nil
		}
		first = &o
	}
	o, cancel := repeat(ctx, t, delay, first, do)
	cancel()
	if o.err == nil {
		svc.budget.earn()
		return o.value, nil
	}
	return o.value, t.error(o.err)
}

// repeat makes the attempts after the first, if there has been one.
func repeat[T any](ctx context.Context, t *trail, delay time.Duration, first *outcome[T], do func(context.Context, *Conn) (T, error)) (outcome[T], context.CancelFunc) {
	r := &repeater[T]{
		attempts: t.svc.conf.Retry.Attempts,
		delay:    delay,
		before:   first,
		may:      t.svc.mayRepeat,
		call:     func(ctx context.Context, _ int) outcome[T] { return attempt(ctx, t.svc, t, do) },
	}
	return r.run(ctx)
}

// mayRepeat takes a repetition from the budget, and notes it.
func (s *service) mayRepeat(kind DecisionKind, last error) bool {
	why := "no answer after " + time.Duration(s.hedgeAfter.Load()).String()
	if last != nil {
		why = last.Error()
	}
	if !s.budget.spend() {
		s.instruments.refused.Add(1)
		s.decide(nil, DecideRefuse, "the budget is spent; "+why)
		return false
	}
	if kind == DecideHedge {
		s.instruments.hedges.Add(1)
	} else {
		s.instruments.retries.Add(1)
	}
	s.decide(nil, kind, why)
	return true
}

// attempt has do use one connection.
func attempt[T any](ctx context.Context, svc *service, t *trail, do func(context.Context, *Conn) (T, error)) (o outcome[T]) {
	conn, err := svc.get(ctx, t.endpoints())
	if err != nil {
		t.none(err)
		return outcome[T]{err: err}
	}
	defer conn.Close() // does nothing once it has been released
	e := conn.s.e
	start := t.add(e)
	done := watch(ctx, conn.s, start)
	o.value, o.err = do(ctx, conn)
	done()
	if o.err == nil {
		_ = conn.Release() // fails if do has released it, which is as good
		return o
	}
	if conn.s.broken.Load() {
		o.again = ctx.Err() == nil
		t.failed(e, o.err, start)
	}
	return o
}

// watch ends the reads and writes on s when ctx ends. done must be called.
func watch(ctx context.Context, s *socket, start time.Time) (done func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	stop := context.AfterFunc(ctx, func() {
		if !errors.Is(ctx.Err(), context.Canceled) {
			return // the connection has the deadline itself
		}
		if context.Cause(ctx) == errBeaten && s.asked.Load() != 0 { //nolint:errorlint // a cause is not wrapped
			s.e.late(time.Since(start))
		}
		s.expire()
	})
	return func() { stop() }
}

// trail is where a call has been.
type trail struct {
	svc *service

	mu    sync.Mutex
	been  []*endpoint
	room  [4]*endpoint // for been, as a rule
	tries []Attempt
}

func (t *trail) endpoints() []*endpoint {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.been[:len(t.been):len(t.been)]
}

func (t *trail) add(e *endpoint) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.been == nil {
		t.been = t.room[:0]
	}
	t.been = append(t.been, e)
	return time.Now()
}

func (t *trail) failed(e *endpoint, err error, start time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries = append(t.tries, Attempt{Address: e.String(), Err: err, Took: time.Since(start)})
}

// none notes the addresses to which there was no connection.
func (t *trail) none(err error) {
	var e *Error
	if !errors.As(err, &e) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries = append(t.tries, e.Tried...)
}

// error returns what a call that has failed with err tells its caller.
func (t *trail) error(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.tries) == 0 {
		return err
	}
	e := &Error{Service: t.svc.name, Tried: t.tries[:min(len(t.tries), maxTried)]}
	var inner *Error
	if errors.As(err, &inner) {
		e.Err = inner.Err
	}
	return e
}

// late notes that another attempt was quicker, after this one has taken long.
// One such is no failure, nor are many at once, as when this host has stood
// still; a row of them over some time is.
func (e *endpoint) late(took time.Duration) {
	if took >= time.Duration(e.svc.hedgeAfter.Load()) {
		e.blame(fmt.Errorf("no answer after %v, when another had one", took.Round(time.Millisecond)), soft, 0)
	}
}
