package upstream

import (
	"context"
	"sync"
)

// waiter is somebody who wants a connection, perhaps from several endpoints at
// once.
type waiter struct {
	results chan result // has room for one from each endpoint

	mu   sync.Mutex
	over bool // results are no longer taken
}

// result is what a waiter is given.
type result struct {
	e   *endpoint
	s   *socket
	err error
}

// join has w wait for a connection, which is made if need be; or gives it one
// that has come back since it was found that none is idle.
func (e *endpoint) join(w *waiter) {
	e.active.Add(1)
	for {
		e.mu.Lock()
		if len(e.idle) == 0 {
			e.waiting = append(e.waiting, w)
			e.dialLocked()
			e.mu.Unlock()
			return
		}
		s := e.popNewestLocked()
		e.mu.Unlock()
		if s.fit(e.clock().glance()) {
			w.deliver(result{e: e, s: s})
			return
		}
		e.drop(s, causeStale)
	}
}

// joinFresh makes a connection for w alone. It is given up when ctx ends.
func (e *endpoint) joinFresh(ctx context.Context, w *waiter) {
	e.active.Add(1)
	started := e.svc.m.tasks.Go(0, func(task context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(task, cancel)()
		s, err := e.dial(ctx, true)
		w.deliver(result{e: e, s: s, err: err})
	})
	if !started {
		w.deliver(result{e: e, err: ErrClosed})
	}
}

// deliver gives w a result, or takes it back if w does not wait any more.
func (w *waiter) deliver(r result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		r.takeBack()
		return
	}
	w.results <- r
}

// leave ends the wait at all of joined. What was sent meanwhile is taken back.
func (w *waiter) leave(joined []*endpoint) {
	for _, e := range joined {
		e.forget(w)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for {
		select {
		case r := <-w.results:
			r.takeBack()
		default:
			return
		}
	}
}

// forget removes w from those who wait here, if it is among them.
func (e *endpoint) forget(w *waiter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, other := range e.waiting {
		if other == w {
			e.waiting = append(e.waiting[:i], e.waiting[i+1:]...)
			e.active.Add(-1)
			return
		}
	}
}

// takeBack takes a result that nobody wants any more.
func (r result) takeBack() {
	if r.s == nil {
		r.e.active.Add(-1)
		return
	}
	r.e.put(r.s.lend(0).s, false)
}
