package stats

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// ErrGap says that Deltas are missing before this one; the Reporter must
// Restart.
var ErrGap = errors.New("stats: deltas are missing")

// Totals adds up the Deltas of many processes and keeps the sum after they
// have gone, so that a counter never goes backwards because a process was
// replaced. The zero value is ready. It is safe for concurrent use.
//
// Each process has chosen anew which label values it kept apart (see Limits).
// Totals keeps those of ended processes only up to its own Limits; the rest
// moves to the series overflow, so that the sum over a name stays what it was.
type Totals struct {
	// Limits bound what ended processes leave; Names does not matter. A process
	// that reports more than twice as many Series gets an error, and what is past
	// that is not added. Set them before use.
	Limits Limits

	mu   sync.Mutex
	live map[string]*source
	gone Snapshot // of all that have ended
}

// source is what one process has reported.
type source struct {
	sequence uint64
	total    Snapshot
}

// Apply adds d. A Delta that was applied before changes nothing and is no
// error. ErrGap means that some before it were not.
func (t *Totals) Apply(d Delta) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.live[d.Source]
	switch {
	case s != nil && d.Sequence <= s.sequence:
		return nil
	case d.Whole:
		s = t.begin(d.Source)
	case s == nil:
		return fmt.Errorf("%w: the first from %q is number %d", ErrGap, d.Source, d.Sequence)
	case d.Sequence != s.sequence+1:
		return fmt.Errorf("%w: number %d from %q came after number %d", ErrGap, d.Sequence, d.Source, s.sequence)
	}
	if most := 2 * t.Limits.orDefaults().Series; s.total.lacks(d.Snapshot) > most-len(s.total.Series) {
		return fmt.Errorf("stats: %q has more than %d series: raise Limits", d.Source, most)
	}
	s.sequence = d.Sequence
	s.total.setLevels(func(s Series) Value {
		if d.find(s) == nil {
			return s.Value
		}
		return Level(0) // and d adds what it is now
	})
	return s.total.Merge(d.Snapshot)
}

func (t *Totals) begin(name string) *source {
	if t.live == nil {
		t.live = make(map[string]*source)
	}
	s := new(source)
	t.live[name] = s
	return s
}

// End says that the process behind a source is gone, however it went. What it
// has counted stays; its gauges, and those present in its states, do not. An
// unknown source does nothing.
func (t *Totals) End(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.live[name]
	if s == nil {
		return nil
	}
	delete(t.live, name)
	return t.gone.Merge(s.total.past().within(t.Limits.orDefaults(), t.gone))
}

// Sources returns the names of the processes that have not ended, sorted.
func (t *Totals) Sources() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.live))
}

// Source returns what one process that has not ended has reported.
func (t *Totals) Source(name string) (Snapshot, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.live[name]
	if s == nil {
		return Snapshot{}, false
	}
	var copied Snapshot
	err := copied.Merge(s.total)
	return copied, err == nil
}

// Snapshot returns the sum of all processes, those that have ended too. The
// error is that of Snapshot.Merge; what could be merged is in the sum.
func (t *Totals) Snapshot() (Snapshot, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var sum Snapshot
	var err error
	for _, name := range slices.Sorted(maps.Keys(t.live)) {
		err = errors.Join(err, sum.Merge(t.live[name].total))
	}
	return sum, errors.Join(err, sum.Merge(t.gone)) // last: where kinds differ, the living are right
}

// past returns s without what ends with the process: levels, and things
// present in states.
func (s Snapshot) past() Snapshot {
	past := Snapshot{At: s.At}
	for _, series := range s.Series {
		switch v := series.Value.(type) {
		case Level:
			continue
		case *StatesSnapshot:
			for i := range v.States {
				v.States[i].Present = 0
			}
		}
		past.Series = append(past.Series, series)
	}
	return past
}
