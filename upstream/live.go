package upstream

import (
	"math/rand/v2"
	"slices"
)

// live is the addresses of a service as they are now. It is never changed.
type live struct {
	tiers []rank
}

// rank is a set of endpoints that serve together: a tier, or those of one
// priority in it.
type rank struct {
	all   []*endpoint
	upTo  []int64 // the sums of the weights so far; nil if all weigh the same
	total int64
	last  bool // there is nothing to fall back to
}

func newRank(all []*endpoint) rank {
	r := rank{all: all}
	same := true
	for _, e := range all {
		w := e.weight.Load()
		r.total += w
		r.upTo = append(r.upTo, r.total)
		same = same && w == all[0].weight.Load()
	}
	if same {
		r.upTo = nil
	}
	return r
}

// draw takes an endpoint by its weight.
func (r *rank) draw() *endpoint {
	if r.upTo == nil {
		return r.all[rand.N(len(r.all))]
	}
	ticket := rand.N(r.total)
	i, found := slices.BinarySearch(r.upTo, ticket)
	if found {
		i++
	}
	return r.all[i]
}

// choose returns the endpoint that should serve next, or nil if all that are
// up have been tried.
func (r *rank) choose(tried []*endpoint) *endpoint {
	if len(r.all) == 0 {
		return nil
	}
	a := r.all[0]
	if len(r.all) > 1 {
		a = r.draw()
		if b := r.draw(); b != a && b.isWell() && len(tried) == 0 {
			a = better(a, b)
		}
	}
	if a.isWell() && len(tried) == 0 {
		return a
	}
	return r.search(tried)
}

// isWell tells whether an endpoint serves without reservation.
func (e *endpoint) isWell() bool { return e.condition() == up && e.ramp.Load() == 0 }

// better returns the endpoint of two that has less to do, measured by how long
// it takes and by its share. Of equals it is the first, which has been drawn.
func better(a, b *endpoint) *endpoint {
	ma, mb := a.latency.magnitude(), b.latency.magnitude()
	la, lb := a.active.Load(), b.active.Load()
	if ma == mb && la == lb {
		return a
	}
	// One that takes four times as long is behind even when it has nothing to do.
	if ma > mb+1 {
		la++
	} else if mb > ma+1 {
		lb++
	}
	if lb<<mb*a.weight.Load() < la<<ma*b.weight.Load() {
		return b
	}
	return a
}

// search looks at every endpoint: some are down, come back, or have been tried.
func (r *rank) search(tried []*endpoint) *endpoint {
	var well, shy []*endpoint // shy: those that may, but need not
	ups := 0
	for _, e := range r.all {
		c := e.condition()
		if c == up {
			ups++
		}
		if slices.Contains(tried, e) {
			continue
		}
		switch {
		case c == up && e.mayServe(), c == trial && e.active.Load() == 0:
			well = append(well, e)
		case c == up:
			shy = append(shy, e)
		}
	}
	if r.last && r.panics(ups) {
		return r.anyWithConnections(tried, append(well, shy...))
	}
	if r.last && len(well) == 0 {
		well = shy
	}
	return pickTwo(well)
}

// mayServe tells whether an endpoint that has just come back takes part in this
// choice. It does so more and more often.
func (e *endpoint) mayServe() bool {
	if e.ramp.Load() == 0 {
		return true
	}
	return rand.Float64() < e.share(&e.svc.conf.Health, e.clock().about())
}

// panics tells whether too few are up to carry the load.
func (r *rank) panics(ups int) bool {
	return float64(ups) < r.all[0].svc.conf.Health.Panic*float64(len(r.all))
}

// anyWithConnections adds to those that are up those that are down though
// connections succeed.
func (r *rank) anyWithConnections(tried, among []*endpoint) *endpoint {
	for _, e := range r.all {
		if e.condition() == down && e.softly.Load() && !slices.Contains(tried, e) {
			among = append(among, e)
		}
	}
	return pickTwo(among)
}

// pickTwo returns the better of two random ones, or nil if there is none.
func pickTwo(among []*endpoint) *endpoint {
	switch len(among) {
	case 0:
		return nil
	case 1:
		return among[0]
	}
	r := newRank(among)
	return better(r.draw(), r.draw())
}

// choose returns the endpoint that should serve next: of the first tier that
// has one, or when none is up, any that has not been tried, the last tier
// first, rather than none. It returns nil if all have been tried.
func (l *live) choose(tried []*endpoint) *endpoint {
	for i := range l.tiers {
		if e := l.tiers[i].choose(tried); e != nil {
			return e
		}
	}
	return l.anyLeft(tried)
}

func (l *live) anyLeft(tried []*endpoint) *endpoint {
	for i := len(l.tiers) - 1; i >= 0; i-- {
		var soft, rest []*endpoint
		for _, e := range l.tiers[i].all {
			switch {
			case slices.Contains(tried, e):
			case e.condition() == down && !e.softly.Load():
				rest = append(rest, e)
			default:
				soft = append(soft, e)
			}
		}
		if e := pickTwo(soft); e != nil {
			return e
		}
		if e := pickTwo(rest); e != nil {
			return e
		}
	}
	return nil
}

// tierOf returns the rank that e is in, or nil.
func (l *live) tierOf(e *endpoint) *rank {
	for i := range l.tiers {
		if slices.Contains(l.tiers[i].all, e) {
			return &l.tiers[i]
		}
	}
	return nil
}

// each yields all endpoints.
func (l *live) each(yield func(tier int, e *endpoint) bool) {
	for i := range l.tiers {
		for _, e := range l.tiers[i].all {
			if !yield(i, e) {
				return
			}
		}
	}
}
