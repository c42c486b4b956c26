package stats

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	clockEvery = 100 * time.Millisecond
	foldEvery  = time.Second
)

// Run keeps the coarse clock, by reading it ten times a second, and each
// second moves what the instruments have into their windows and averages. It
// returns ctx's error when ctx ends; who owns the Registry calls it once.
// Without it nothing is lost, but the clock stands still between snapshots:
// values then belong to the minute of the last one. On a nil Registry it only
// waits for ctx.
func (r *Registry) Run(ctx context.Context) error {
	if r == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	r.mu.Lock()
	r.begin()
	r.mu.Unlock()
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	folded := r.clock.read()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := r.clock.read()
		minuteEnded := now/int64(time.Minute) != folded/int64(time.Minute)
		if minuteEnded || now-folded >= int64(foldEvery) {
			r.fold(now)
			folded = now
		}
	}
}

func (r *Registry) fold(now int64) {
	for _, s := range r.all() {
		s.fold(now)
	}
}

// all returns the series sorted by name and labels. The slice is not changed
// later.
func (r *Registry) all() []*series {
	r.mu.RLock()
	sorted := r.sorted
	r.mu.RUnlock()
	if sorted != nil {
		return sorted
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sorted == nil {
		for _, s := range r.series {
			r.sorted = append(r.sorted, s)
		}
		slices.SortFunc(r.sorted, func(a, b *series) int {
			return compareSeries(a.name, a.labels, b.name, b.labels)
		})
	}
	return r.sorted
}

func compareSeries(name string, labels []Label, otherName string, otherLabels []Label) int {
	if c := strings.Compare(name, otherName); c != 0 {
		return c
	}
	return slices.CompareFunc(labels, otherLabels, func(a, b Label) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value))
	})
}

// Snapshot returns the snapshots of all instruments. What was added before
// the call is in it.
func (r *Registry) Snapshot() Snapshot {
	if r == nil {
		return Snapshot{}
	}
	now := r.clock.read()
	all := r.all()
	snap := Snapshot{At: now, Series: make([]Series, len(all))}
	for i, s := range all {
		snap.Series[i] = Series{s.name, s.labels, s.snapshot(now)}
	}
	return snap
}

// String returns the snapshot as JSON, which makes a Registry a variable for
// package expvar: expvar.Publish("stats", reg).
func (r *Registry) String() string { return r.Snapshot().String() }

// Finding is something about a Registry that somebody should change.
type Finding struct {
	Name  string // of the instrument
	Text  string // what is wrong and what to do
	Count uint64 // how often
}

// Findings returns the names that have met the Limits, sorted.
func (r *Registry) Findings() []Finding {
	if r == nil {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Finding
	for name, f := range r.families {
		if f.diverted == 0 {
			continue
		}
		text := fmt.Sprintf("more than %d sets of label values; the rest is counted under %q: label with route patterns, not paths", f.series-1, Overflow)
		if strings.HasPrefix(name, Overflow+".") {
			text = "there are too many names or series: use labels with few values, or raise Limits"
		}
		found = append(found, Finding{name, text, f.diverted})
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.Name, b.Name) })
	return found
}
