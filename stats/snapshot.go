package stats

import (
	"fmt"
	"slices"
	"time"
)

// Snapshot is what the instruments of a Registry, or of many, have seen: a
// plain value that stays as it is. Snapshots of any number of processes
// merge, in any order; the difference of two of the same Registry is a delta.
type Snapshot struct {
	At     int64    // Unix nanoseconds; of merged snapshots the latest
	Series []Series // sorted by name, then labels
}

// Series is an instrument's value under its name.
type Series struct {
	Name   string
	Labels []Label // sorted by key; not to be changed
	Value  Value
}

// Time returns At as a time.
func (s Snapshot) Time() time.Time { return time.Unix(0, s.At) }

func (s Series) compare(other Series) int {
	return compareSeries(s.Name, s.Labels, other.Name, other.Labels)
}

// Lookup returns the value of a name and its labels, given as pairs in any
// order; nil if there is none.
func (s Snapshot) Lookup(name string, labels ...string) Value {
	return s.find(Series{Name: name, Labels: parseLabels(name, labels)})
}

// find returns the value that s has of want; nil if there is none.
func (s Snapshot) find(want Series) Value {
	if i, ok := slices.BinarySearchFunc(s.Series, want, Series.compare); ok {
		return s.Series[i].Value
	}
	return nil
}

// lacks counts the series of other that s has not.
func (s Snapshot) lacks(other Snapshot) (n int) {
	for _, o := range other.Series {
		if s.find(o) == nil {
			n++
		}
	}
	return n
}

// setLevels changes the levels of s, whose series nobody else may have.
func (s Snapshot) setLevels(to func(Series) Value) {
	for i, series := range s.Series {
		if series.Value.Kind() == KindGauge {
			s.Series[i].Value = to(series)
		}
	}
}

// Merge adds other to s. It shares no memory with other that either may
// change. If a series has different kinds in the two, or Cardinalities have
// different secrets, that of s stays as it was, all others merge, and the
// error says which.
func (s *Snapshot) Merge(other Snapshot) error {
	s.At = max(s.At, other.At)
	merged := make([]Series, 0, max(len(s.Series), len(other.Series)))
	var failed error
	mine, theirs := s.Series, other.Series
	for len(mine) > 0 && len(theirs) > 0 {
		switch c := mine[0].compare(theirs[0]); {
		case c < 0:
			merged, mine = append(merged, mine[0]), mine[1:]
		case c > 0:
			merged, theirs = append(merged, theirs[0].copied()), theirs[1:]
		default:
			err := mine[0].add(theirs[0])
			if failed == nil {
				failed = err
			}
			merged, mine, theirs = append(merged, mine[0]), mine[1:], theirs[1:]
		}
	}
	merged = append(merged, mine...)
	for _, t := range theirs {
		merged = append(merged, t.copied())
	}
	s.Series = merged
	return failed
}

func (s Series) copied() Series { return Series{s.Name, s.Labels, s.Value.copied()} }

// add merges a series of the same name and labels.
func (s *Series) add(other Series) error {
	if s.Value.Kind() != other.Value.Kind() {
		return fmt.Errorf("%w: %q is a %v in one snapshot and a %v in the other", ErrKind, s.Name, s.Value.Kind(), other.Value.Kind())
	}
	sum, err := s.Value.plus(other.Value)
	if err != nil {
		return fmt.Errorf("merge %q: %w", s.Name, err)
	}
	s.Value = sum
	return nil
}

// Sub returns what has changed since base, an earlier snapshot of the same
// Registry; series that have not are left out. Merged with base it gives s:
// counts exactly, moments to floating point.
func (s Snapshot) Sub(base Snapshot) Snapshot {
	delta := Snapshot{At: s.At}
	old := base.Series
	for _, now := range s.Series {
		for len(old) > 0 && old[0].compare(now) < 0 {
			old = old[1:]
		}
		switch {
		case len(old) == 0 || old[0].compare(now) != 0 || old[0].Value.Kind() != now.Value.Kind():
			delta.Series = append(delta.Series, now.copied())
		default:
			if v := now.Value.minus(old[0].Value); !v.isZero() {
				delta.Series = append(delta.Series, Series{now.Name, now.Labels, v})
			}
		}
	}
	return delta
}
