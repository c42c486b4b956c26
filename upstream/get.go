package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Get lends a connection to a service. The caller must give it back with
// Release. It returns at the latest when ctx ends; an error is an *Error, which
// is a net.Error and names every address tried and why it failed.
//
// If ctx has a deadline, it also holds for what is read and written on the
// connection. The end of ctx for other reasons does not touch it.
func (m *Manager) Get(ctx context.Context, name string) (*Conn, error) {
	svc := m.service(name)
	if svc == nil {
		return nil, m.unknown(name)
	}
	return svc.get(ctx, nil)
}

// DialContext makes a connection to a service, whose name is the host of
// address, or all of it; the port does not matter. It fits http.Transport,
// database drivers and others that keep connections themselves: the connection
// is in no pool, has no response time-out, and Close closes it. Names that are
// not known are refused.
func (m *Manager) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	svc := m.service(address)
	if svc == nil {
		if host, _, err := net.SplitHostPort(address); err == nil {
			svc = m.service(host)
		}
	}
	if svc == nil {
		return nil, m.unknown(address)
	}
	c, err := svc.race(ctx, nil, true)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// get lends a connection to an address that is not among tried, if there is
// one, and otherwise to any.
func (s *service) get(ctx context.Context, tried []*endpoint) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Service: s.name, Err: context.Cause(ctx)}
	}
	e := s.live.Load().choose(tried)
	if e != nil {
		if c := e.lendIdle(s.until(ctx)); c != nil {
			return c, nil
		}
	}
	return s.race(ctx, tried, false)
}

// until returns the deadline of ctx, or 0.
func (s *service) until(ctx context.Context) instant {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return s.m.clock.at(deadline)
}

// maxRace bounds the addresses that one Get tries.
const maxRace = 16

// contest is one search for a connection, over several addresses.
type contest struct {
	svc    *service
	fresh  bool
	w      *waiter
	joined []*endpoint
	began  []instant // when each of joined was asked
	open   int       // how many of them have not answered
	err    Error
}

// race asks one address after the other, the next as soon as one has failed or
// takes long, and returns the first connection. Those of the others, when they
// come, are for the pool.
func (s *service) race(ctx context.Context, tried []*endpoint, fresh bool) (*Conn, error) {
	start := time.Now()
	if err := s.ready(ctx); err != nil {
		return nil, s.closedOr(&Error{Service: s.name, Err: err})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &contest{svc: s, fresh: fresh, w: &waiter{results: make(chan result, maxRace)}, err: Error{Service: s.name}}
	r.joined = append(r.joined, tried...)
	skip := len(tried)
	c, err := r.run(ctx, skip)
	s.instruments.wait.AddSince(start)
	if err != nil {
		return nil, s.closedOr(err)
	}
	return c, nil
}

// closedOr returns ErrClosed in place of what its consequences look like.
func (s *service) closedOr(err *Error) error {
	if s.m.tasks.Closed() {
		err.Err = ErrClosed
	}
	return err
}

func (r *contest) run(ctx context.Context, skip int) (*Conn, *Error) {
	r.began = make([]instant, skip, maxRace)
	if !r.next(ctx) && skip > 0 { // all have been tried: begin anew
		r.joined, r.began, skip = nil, nil, 0
		r.next(ctx)
	}
	defer func() { r.w.leave(r.joined[skip:]) }()
	timer := time.NewTimer(r.stagger())
	defer timer.Stop()
	for r.open > 0 {
		select {
		case res := <-r.w.results:
			r.open--
			if res.err == nil {
				return r.won(ctx, res), nil
			}
			r.failed(res)
			r.next(ctx)
			timer.Reset(r.stagger())
		case <-timer.C:
			r.next(ctx)
			timer.Reset(r.stagger())
		case <-ctx.Done():
			r.err.Err = context.Cause(ctx)
			r.unanswered()
			return nil, &r.err
		}
	}
	if len(r.err.Tried) == 0 {
		r.err.Err = r.svc.noAddress()
	}
	return nil, &r.err
}

// won lends the connection that came first.
func (r *contest) won(ctx context.Context, res result) *Conn {
	res.e.mu.Lock()
	res.e.count.loans++
	res.e.mu.Unlock()
	if r.fresh {
		return res.s.lend(0)
	}
	return res.s.lend(r.svc.until(ctx))
}

// failed notes why an address gave no connection.
func (r *contest) failed(res result) {
	res.e.active.Add(-1)
	if len(r.err.Tried) >= maxTried {
		return
	}
	took := time.Duration(0)
	for i, e := range r.joined {
		if e == res.e {
			took = r.svc.m.clock.now().since(r.began[i])
		}
	}
	r.err.Tried = append(r.err.Tried, Attempt{Address: res.e.String(), Err: res.err, Took: took})
}

// unanswered names the addresses that have not answered, and those that were
// passed over.
func (r *contest) unanswered() {
	for i, e := range r.joined {
		if r.began[i] == 0 || r.isNamed(e) || len(r.err.Tried) >= maxTried {
			continue
		}
		took := r.svc.m.clock.now().since(r.began[i])
		r.err.Tried = append(r.err.Tried, Attempt{Address: e.String(), Err: r.waitedFor(e), Took: took})
	}
	for e := range r.svc.all {
		if err := e.downError(); err != nil && !r.isNamed(e) && len(r.err.Tried) < maxTried {
			r.err.Tried = append(r.err.Tried, Attempt{Address: e.String(), Err: err})
		}
	}
}

func (r *contest) isNamed(e *endpoint) bool {
	for _, a := range r.err.Tried {
		if a.Address == e.String() {
			return true
		}
	}
	return false
}

// next asks one more address, if there is one. Of those that are as good, it
// takes one of the other family than the last.
func (r *contest) next(ctx context.Context) bool {
	if len(r.joined) >= maxRace {
		return false
	}
	e := r.svc.live.Load().choose(r.joined)
	if e == nil {
		return false
	}
	e = r.otherFamily(e)
	r.joined = append(r.joined, e)
	r.began = append(r.began, r.svc.m.clock.now())
	r.open++
	if r.fresh {
		e.joinFresh(ctx, r.w)
	} else {
		e.join(r.w)
	}
	return true
}

// otherFamily returns an address that is up, of the same host as the last one
// asked and of the other IP family; or else e.
func (r *contest) otherFamily(e *endpoint) *endpoint {
	if len(r.joined) == 0 {
		return e
	}
	last := r.joined[len(r.joined)-1]
	if !last.ip.IsValid() || !e.ip.IsValid() || last.ip.Is4() != e.ip.Is4() {
		return e
	}
	for range 4 {
		other := r.svc.live.Load().choose(r.joined)
		if other != nil && other.ip.IsValid() && other.ip.Is4() != last.ip.Is4() {
			return other
		}
	}
	return e
}

// stagger returns how long to wait before the next address is asked.
func (r *contest) stagger() time.Duration {
	if len(r.joined) == 0 {
		return time.Hour
	}
	return r.joined[len(r.joined)-1].timeouts.Stagger
}

// waitedFor says what an address that has not answered was waited for.
func (r *contest) waitedFor(e *endpoint) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if most := e.svc.conf.Pool.Max; !r.fresh && len(e.open) >= most {
		return fmt.Errorf("all %d connections were lent", most)
	}
	return errors.New("no connection yet")
}
