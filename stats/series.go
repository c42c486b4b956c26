package stats

import (
	"fmt"
	"strings"
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
	name     string
	kind     Kind
	series   int
	overflow *series // for what is past a limit
	diverted uint64  // requests that overflow got
}

// find returns the series, known or new, or that of overflow.
func (r *Registry) find(kind Kind, name string, labels []Label) *series {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin()
	if s := r.series[idOf(name, labels)]; s != nil {
		return s
	}
	limits := r.Limits.orDefaults()
	full := len(r.series) >= limits.Series
	f := r.families[name]
	switch {
	case f != nil && f.kind != kind:
		return &series{kind: f.kind} // the caller says what is wrong
	case f == nil && strings.HasPrefix(name, Overflow+"."):
		panic(fmt.Errorf("%w: %q; names that begin with %q are the registry's own", ErrName, name, Overflow+"."))
	case f == nil && (full || len(r.families) >= limits.Names):
		return r.divert(r.family(kind, overflowName(kind)), nil)
	case len(labels) > 0 && (full || f != nil && f.series >= limits.PerName):
		return r.divert(f, labels)
	}
	return r.add(r.family(kind, name), labels)
}

// family returns the family of that name, making it if need be.
func (r *Registry) family(kind Kind, name string) *family {
	f := r.families[name]
	if f == nil {
		f = &family{name: strings.Clone(name), kind: kind}
		r.families[f.name] = f
	}
	return f
}

// divert returns the series for what is past a limit.
func (r *Registry) divert(f *family, labels []Label) *series {
	f.diverted++
	if f.overflow == nil {
		labels = overflowed(labels)
		f.overflow = r.series[idOf(f.name, labels)] // if a client has sent that value
	}
	if f.overflow == nil {
		f.overflow = r.add(f, labels)
	}
	return f.overflow
}

// add makes a series. It copies the strings, which may be parts of a request.
func (r *Registry) add(f *family, labels []Label) *series {
	for i, l := range labels {
		labels[i] = Label{strings.Clone(l.Key), strings.Clone(l.Value)}
	}
	s := &series{f.name, labels, f.kind, r.newInstrument(f.kind)}
	r.series[idOf(f.name, labels)] = s
	r.sorted = nil
	f.series++
	return s
}

// begin makes what the zero Registry lacks.
func (r *Registry) begin() {
	r.once.Do(func() {
		r.clock.start()
		r.series = make(map[string]*series)
		r.families = make(map[string]*family)
		r.secret.chosen = &r.Secret
	})
}

func (r *Registry) newInstrument(kind Kind) instrument {
	switch kind {
	case KindCounter:
		return newCounter(&r.lanes)
	case KindGauge:
		return new(Gauge)
	case KindPeak:
		return new(Peak)
	case KindRate:
		return &Rate{clock: &r.clock, gaps: newDistribution(&r.lanes, &r.clock)}
	case KindDistribution:
		return newDistribution(&r.lanes, &r.clock)
	case KindStates:
		return &States{clock: &r.clock, lanes: &r.lanes}
	case KindTop:
		return newTop()
	default:
		return &Cardinality{secret: &r.secret}
	}
}
