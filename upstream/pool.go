package upstream

import (
	"context"
	"math/rand/v2"
	"time"
)

// lendIdle lends the connection that came back last, or returns nil.
func (e *endpoint) lendIdle(until instant) *Conn {
	for {
		e.mu.Lock()
		if len(e.idle) == 0 {
			e.mu.Unlock()
			return nil
		}
		s := e.popNewestLocked()
		e.count.loans++
		e.count.reused++
		e.mu.Unlock()
		tick := e.clock().glance()
		if s.fit(tick) {
			e.active.Add(1)
			return s.lend(until)
		}
		e.drop(s, causeStale)
	}
}

// put takes a connection back from its borrower.
func (e *endpoint) put(s *socket, unfit bool) {
	if !s.uncounted {
		e.active.Add(-1)
	}
	tick := e.clock().glance()
	now := tick
	if now == 0 {
		now = e.clock().now()
	}
	e.mu.Lock()
	e.noteLoanLocked(s, now)
	cause := e.judgeLocked(s, unfit, now)
	if cause != keep {
		e.mu.Unlock()
		e.drop(s, cause)
		return
	}
	s.idle, s.tick = now, tick
	var spare *socket
	if !e.handOverLocked(s) {
		spare = e.pushLocked(s)
	}
	e.mu.Unlock()
	if spare != nil {
		e.drop(spare, causeSpare)
	}
}

// judgeLocked returns why a connection that has come back must be closed.
func (e *endpoint) judgeLocked(s *socket, unfit bool, now instant) cause {
	switch {
	case s.broken.Load():
		return causeBroken
	case s.fresh, unfit:
		return causeAsked
	case s.asked.Load() != 0:
		return causeUnanswered
	case now >= s.dies:
		return causeAge
	case e.unwantedLocked():
		return causeUnwanted
	}
	return keep
}

// unwantedLocked tells whether no connection is to be kept here.
func (e *endpoint) unwantedLocked() bool {
	return e.retired || e.condition() == down || e.svc.m.quota.short() || e.svc.m.tasks.Closed()
}

// noteLoanLocked adds what has happened during a loan to the counts.
func (e *endpoint) noteLoanLocked(s *socket, now instant) {
	seen := s.seeNow()
	if seen == s.seen {
		return
	}
	e.count.read += seen.read - s.seen.read
	e.count.written += seen.written - s.seen.written
	if answers := seen.answers - s.seen.answers; answers > 0 && !s.blamed.Load() {
		e.ok += float64(answers)
		if e.uneasy.Load() && !s.broken.Load() {
			e.succeedLocked(now)
		}
	}
	e.keepLocked(exchangeOf(s, seen))
}

// pushLocked makes a connection idle. It returns one that there is no room for,
// the one that has been idle for longest.
func (e *endpoint) pushLocked(s *socket) (spare *socket) {
	if len(e.idle) >= e.svc.conf.Pool.Idle {
		spare = e.popOldestLocked()
	}
	e.idle = append(e.idle, s)
	return spare
}

func (e *endpoint) popNewestLocked() *socket {
	n := len(e.idle) - 1
	s := e.idle[n]
	e.idle[n] = nil
	e.idle = e.idle[:n]
	return s
}

func (e *endpoint) popOldestLocked() *socket {
	s := e.idle[0]
	copy(e.idle, e.idle[1:])
	e.idle[len(e.idle)-1] = nil
	e.idle = e.idle[:len(e.idle)-1]
	return s
}

// handOverLocked gives a connection to whoever waits for one.
func (e *endpoint) handOverLocked(s *socket) bool {
	if len(e.waiting) == 0 {
		return false
	}
	w := e.waiting[0]
	e.waiting = e.waiting[1:]
	w.results <- result{e: e, s: s}
	return true
}

// dialLocked starts as many connections as are waited for and allowed.
func (e *endpoint) dialLocked() {
	conf := &e.svc.conf.Pool
	for e.dialing < len(e.waiting) && e.dialing < conf.Connecting && len(e.open)+e.dialing < conf.Max {
		if !e.svc.m.tasks.Go(0, e.dialForAnyone) {
			e.failWaitersLocked(len(e.waiting), ErrClosed)
			return
		}
		e.dialing++
	}
}

// dialForAnyone makes a connection for whoever waits first by then, or the pool.
func (e *endpoint) dialForAnyone(ctx context.Context) {
	s, err := e.dial(ctx, false)
	e.mu.Lock()
	e.dialing--
	if err != nil {
		e.failWaitersLocked(e.hopelessLocked(), err)
		e.dialLocked()
		e.mu.Unlock()
		return
	}
	spare, why := (*socket)(nil), causeSpare
	switch {
	case e.handOverLocked(s):
	case e.unwantedLocked():
		spare, why = s, causeUnwanted
	default:
		s.idle = e.clock().now()
		spare = e.pushLocked(s)
	}
	e.mu.Unlock()
	if spare != nil {
		e.drop(spare, why)
	}
}

// hopelessLocked returns how many of those who wait are told that a connection
// could not be made: all, if the address is down; else the one it was made for.
func (e *endpoint) hopelessLocked() int {
	if e.condition() == down {
		return len(e.waiting)
	}
	return min(1, len(e.waiting))
}

func (e *endpoint) failWaitersLocked(n int, err error) {
	for _, w := range e.waiting[:n] {
		w.results <- result{e: e, err: err}
	}
	e.waiting = e.waiting[n:]
}

// drop closes a connection and makes room for another.
func (e *endpoint) drop(s *socket, why cause) {
	s.close()
	e.mu.Lock()
	_, was := e.open[s]
	if was {
		delete(e.open, s)
		e.count.closed[why]++
		e.dialLocked()
	}
	e.mu.Unlock()
	if was {
		e.svc.m.quota.release()
	}
}

// admit makes a connection one of the pool's.
func (e *endpoint) admit(s *socket) {
	age := e.svc.conf.Pool.MaxAge
	s.dies = s.made.after(age - time.Duration(rand.Float64()*float64(age)/10))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[s] = struct{}{}
	e.count.dials++
}

// closeIdleLocked closes all idle connections.
func (e *endpoint) closeIdleLocked(why cause) {
	for _, s := range e.idle {
		delete(e.open, s)
		e.count.closed[why]++
		s.close()
		e.svc.m.quota.release()
	}
	clear(e.idle)
	e.idle = e.idle[:0]
}

// cullOldest closes the connection that has been idle for longest, if it has
// been so since before, or for any time if before is 0.
func (e *endpoint) cullOldest(before instant, why cause) bool {
	e.mu.Lock()
	if len(e.idle) == 0 || before != 0 && e.idle[0].idle > before {
		e.mu.Unlock()
		return false
	}
	s := e.popOldestLocked()
	e.mu.Unlock()
	e.drop(s, why)
	return true
}

// oldestIdle returns since when its oldest connection is idle, or 0.
func (e *endpoint) oldestIdle() instant {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.idle) == 0 {
		return 0
	}
	return e.idle[0].idle
}

// retire ends the use of an address that is one no longer.
func (e *endpoint) retire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.retired = true
	e.closeIdleLocked(causeUnwanted)
}
