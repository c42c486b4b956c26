package stats

import (
	"cmp"
	"slices"
	"time"
)

// Sample is a value and when it was seen, in Unix nanoseconds, to the
// precision of the coarse clock.
type Sample struct {
	Value float64
	At    int64
}

// Time returns At as a time.
func (s Sample) Time() time.Time { return time.Unix(0, s.At) }

const (
	recentSize  = 64
	largestSize = 8
)

func byTime(a, b Sample) int {
	if a.At != b.At {
		return cmp.Compare(a.At, b.At)
	}
	return cmp.Compare(a.Value, b.Value)
}

func byValue(a, b Sample) int {
	if a.Value != b.Value {
		return cmp.Compare(b.Value, a.Value)
	}
	return cmp.Compare(a.At, b.At)
}

// mergeLargest keeps the largest of both, largest first, in the memory of a.
func mergeLargest(a, b []Sample) []Sample {
	if len(b) == 0 {
		return a
	}
	var merged [largestSize]Sample
	into := a[:0]
	n := 0
	for ; n < largestSize && len(a)+len(b) > 0; n++ {
		first := &a
		if len(a) == 0 || len(b) > 0 && byValue(b[0], a[0]) < 0 {
			first = &b
		}
		merged[n], *first = (*first)[0], (*first)[1:]
	}
	return append(into, merged[:n]...)
}

// mergeRecent keeps the newest of both, oldest first, in the memory of a.
func mergeRecent(a, b []Sample) []Sample {
	if len(b) == 0 {
		return a
	}
	var merged [recentSize]Sample
	into := a[:0]
	first := recentSize
	for ; first > 0 && len(a)+len(b) > 0; first-- {
		last := &a
		if len(a) == 0 || len(b) > 0 && byTime(b[len(b)-1], a[len(a)-1]) >= 0 {
			last = &b
		}
		merged[first-1] = (*last)[len(*last)-1]
		*last = (*last)[:len(*last)-1]
	}
	return append(into, merged[first:]...)
}

// newest sorts samples by time and returns the last, oldest first. Those of
// one shard with the same time stay in the order in which they came.
func newest(all []Sample) []Sample {
	earlier := func(a, b Sample) int { return cmp.Compare(a.At, b.At) }
	if !slices.IsSortedFunc(all, earlier) {
		slices.SortStableFunc(all, earlier)
	}
	return all[max(0, len(all)-recentSize):]
}

// without returns the samples of all that are not among old.
func without(all, old []Sample) []Sample {
	old = slices.Clone(old)
	var fresh []Sample
	for _, s := range all {
		if i := slices.Index(old, s); i >= 0 {
			old = slices.Delete(old, i, i+1)
			continue
		}
		fresh = append(fresh, s)
	}
	return fresh
}

// largest keeps the largest values seen, largest first. Its zero value is
// empty.
type largest struct {
	kept [largestSize]Sample
	n    int
}

func (l *largest) full() bool { return l.n == largestSize }

func (l *largest) add(s Sample) {
	i, _ := slices.BinarySearchFunc(l.kept[:l.n], s, byValue)
	if i == largestSize {
		return
	}
	l.n = min(l.n+1, largestSize)
	copy(l.kept[i+1:l.n], l.kept[i:])
	l.kept[i] = s
}
