package stats

import (
	"crypto/rand"
	"strings"

	"github.com/support-go/support/internal/siphash"
)

type instrument interface {
	snapshot(now int64) Value
	fold(now int64)
}

type series struct {
	name   string
	labels []Label // sorted by key
	kind   Kind
	instrument
}

// family is all series of one name.
type family struct {
	kind     Kind
	series   int
	diverted uint64 // requests for series that went to overflow
}

// find returns the series, new, known, or that of overflow.
func (r *Registry) find(kind Kind, name string, labels []Label) *series {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin()
	id := idOf(name, labels)
	if s := r.series[id]; s != nil {
		return s
	}
	limits := r.Limits.orDefaults()
	f := r.families[name]
	switch {
	case f == nil && len(r.families) >= limits.Names, f == nil && len(r.series) >= limits.Series:
		name, labels = Overflow+"."+kind.String(), nil
	case f != nil && f.kind != kind:
		return &series{kind: f.kind} // the caller says what is wrong
	case len(labels) > 0 && f != nil && f.series >= limits.PerName, len(labels) > 0 && len(r.series) >= limits.Series:
		for i := range labels {
			labels[i].Value = Overflow
		}
	default:
		return r.add(id, kind, name, labels)
	}
	s := r.series[idOf(name, labels)]
	if s == nil {
		s = r.add(idOf(name, labels), kind, name, labels)
	}
	r.families[name].diverted++
	return s
}

// begin makes what the zero Registry lacks.
func (r *Registry) begin() {
	r.once.Do(func() {
		r.clock.start()
		r.series = make(map[string]*series)
		r.families = make(map[string]*family)
		secret := r.Secret
		if secret == [16]byte{} {
			rand.Read(secret[:])
		}
		r.secret = siphash.KeyOf(secret)
	})
}

func (r *Registry) add(id string, kind Kind, name string, labels []Label) *series {
	s := &series{strings.Clone(name), labels, kind, r.newInstrument(kind)}
	r.series[id] = s
	r.sorted = nil
	if r.families[name] == nil {
		r.families[s.name] = &family{kind: kind}
	}
	r.families[name].series++
	return s
}

func (r *Registry) newInstrument(kind Kind) instrument {
	switch kind {
	case KindCounter:
		return newCounter(&r.lanes)
	case KindGauge:
		return new(Gauge)
	case KindRate:
		return &Rate{clock: &r.clock, gaps: newDistribution(&r.lanes, &r.clock)}
	case KindDistribution:
		return newDistribution(&r.lanes, &r.clock)
	case KindStates:
		return &States{clock: &r.clock, lanes: &r.lanes}
	case KindTop:
		return newTop()
	default:
		return &Cardinality{key: r.secret}
	}
}
