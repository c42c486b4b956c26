package upstream

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/support-go/support/stats"
)

// service is a Service at work.
type service struct {
	m    *Manager
	name string
	conf Service

	live    atomic.Pointer[live]
	sources []*source
	begun   atomic.Bool // it has been asked for: names are looked up in the background
	once    sync.Once   // begins that

	mu        sync.Mutex // guards endpoints, and changes of live
	endpoints map[place]*endpoint

	budget     budget
	spread     spread
	hedgeAfter atomic.Int64 // nanoseconds; 0 while not known
	instruments
}

// instruments are those of one service.
type instruments struct {
	loans, reused, dials, failures, read, written *stats.Counter
	retries, hedges, refused, downs, misuse       *stats.Counter
	closed                                        [causeCount]*stats.Counter
	open, idle, dialing, busy, ailing             *stats.Gauge

	wait, connect, handshake, response *stats.Distribution
}

func newInstruments(reg *stats.Registry, name string) instruments {
	counter := func(what string) *stats.Counter { return reg.Counter("upstream."+what, "service", name) }
	gauge := func(what string) *stats.Gauge { return reg.Gauge("upstream."+what, "service", name) }
	seconds := func(what string) *stats.Distribution {
		return reg.Distribution("upstream."+what+"_seconds", "service", name)
	}
	i := instruments{
		loans: counter("loans"), reused: counter("reused"), dials: counter("connects"),
		failures: counter("failures"), read: counter("read_bytes"), written: counter("written_bytes"),
		retries: counter("retries"), hedges: counter("hedges"), refused: counter("repeats_refused"),
		downs: counter("markdowns"), misuse: counter("misuses"),
		open: gauge("open"), idle: gauge("idle"), dialing: gauge("connecting"), busy: gauge("busy"), ailing: gauge("addresses_down"),
		wait: seconds("wait"), connect: seconds("connect"), handshake: seconds("handshake"), response: seconds("response"),
	}
	for c := keep + 1; c < causeCount; c++ {
		i.closed[c] = reg.Counter("upstream.closed", "cause", causes[c], "service", name)
	}
	return i
}

func newService(m *Manager, name string, conf Service) *service {
	s := &service{m: m, name: name, conf: conf, endpoints: make(map[place]*endpoint)}
	s.budget.init(conf.Retry)
	for i := range s.conf.Tiers {
		s.sources = append(s.sources, newSource(&s.conf.Tiers[i]))
	}
	s.rebuild()
	return s
}

// all yields each endpoint.
func (s *service) all(yield func(*endpoint) bool) {
	for _, e := range s.live.Load().each {
		if !yield(e) {
			return
		}
	}
}

// rebuild makes live what the sources have found, and retires the rest.
func (s *service) rebuild() {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make(map[place]*endpoint)
	var l live
	for _, src := range s.sources {
		src.mu.Lock()
		all := slices.Clone(src.found)
		src.mu.Unlock()
		slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.priority, b.priority) })
		for len(all) > 0 {
			n := slices.IndexFunc(all, func(f found) bool { return f.priority != all[0].priority })
			if n < 0 {
				n = len(all)
			}
			if group := s.placesLocked(all[:n], kept); len(group) > 0 {
				l.tiers = append(l.tiers, newRank(group))
			}
			all = all[n:]
		}
	}
	if n := len(l.tiers); n > 0 {
		l.tiers[n-1].last = true
	}
	gone := s.endpoints
	s.endpoints = kept
	s.live.Store(&l)
	for p, e := range gone {
		if kept[p] == nil {
			e.retire()
		}
	}
}

// placesLocked returns the endpoints of what was found, the same ones as
// before where there are any. A place counts once, in the first tier that has it.
func (s *service) placesLocked(all []found, kept map[place]*endpoint) []*endpoint {
	var group []*endpoint
	for _, f := range all {
		if kept[f.place] != nil {
			continue
		}
		e := s.endpoints[f.place]
		if e == nil {
			e = newEndpoint(s, f.place)
		}
		e.weight.Store(int64(f.weight))
		kept[f.place] = e
		group = append(group, e)
	}
	return group
}

// begin is called before anything is done for whoever asks for the service.
func (s *service) begin() {
	s.once.Do(func() {
		s.instruments = newInstruments(s.m.Stats, s.name)
		s.begun.Store(true)
		s.m.begin()
	})
}

// ready begins, and waits for addresses if there are none.
func (s *service) ready(ctx context.Context) error {
	if s.begun.Load() && len(s.live.Load().tiers) > 0 {
		return nil
	}
	s.begin()
	return s.resolve(ctx)
}

// resolve waits until a tier has addresses, or all sources have been asked, and
// returns why there is none.
func (s *service) resolve(ctx context.Context) error {
	for _, src := range s.sources {
		s.refresh(src)
	}
	for _, src := range s.sources {
		src.mu.Lock()
		pending := src.pending
		src.mu.Unlock()
		if pending != nil {
			select {
			case <-pending:
			case <-ctx.Done():
				return fmt.Errorf("looking up its addresses: %w", context.Cause(ctx))
			}
		}
		if len(s.live.Load().tiers) > 0 {
			return nil
		}
	}
	return s.noAddress()
}

// noAddress says why there is no address.
func (s *service) noAddress() error {
	err := ErrNoAddress
	for _, src := range s.sources {
		src.mu.Lock()
		if src.err != nil {
			err = fmt.Errorf("%w: %w", err, src.err)
		}
		src.mu.Unlock()
	}
	return err
}

// refresh looks a source up in the background, if it is due.
func (s *service) refresh(src *source) {
	now := s.m.clock.now()
	src.mu.Lock()
	defer src.mu.Unlock()
	if src.fixed || src.pending != nil || src.known && now < src.due {
		return
	}
	pending := make(chan struct{})
	limit := 2 * s.conf.Timeouts.Lookup // of an SRV record, and of the names in it
	if s.m.tasks.Go(limit, func(ctx context.Context) { s.ask(ctx, src, pending) }) {
		src.pending = pending
	}
}

// ask asks a source and makes what it has found live.
func (s *service) ask(ctx context.Context, src *source, done chan struct{}) {
	all, err := src.lookUp(ctx, s.m)
	src.mu.Lock()
	if err != nil && src.err == nil {
		s.decide(nil, DecideLookup, err.Error())
	}
	src.err, src.known = err, true
	if ctx.Err() == nil || len(all) > 0 {
		src.found = all
	}
	src.due = s.m.clock.now().after(src.refresh())
	if err != nil {
		src.due = s.m.clock.now().after(min(src.refresh(), retryLookup))
	}
	src.mu.Unlock()
	s.rebuild()
	src.mu.Lock()
	src.pending = nil
	src.mu.Unlock()
	close(done)
}

// mayFall tells whether e may be marked down though connections to it succeed.
// Where many fail so at once, the fault is rather in what they are asked; but
// a row of failures without a success moves the load to the next tier.
func (s *service) mayFall(e *endpoint, row bool) bool {
	r := s.live.Load().tierOf(e)
	if r == nil || row && !r.last {
		return true
	}
	falling := 1
	for _, other := range r.all {
		if other != e && other.condition() == down && other.softly.Load() {
			falling++
		}
	}
	return falling <= int(s.conf.Health.Cap*float64(len(r.all)))
}
