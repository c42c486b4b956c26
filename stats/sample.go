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

// mergeSorted returns the first limit of a and b together, both sorted by
// order.
func mergeSorted(a, b []Sample, order func(a, b Sample) int, limit int) []Sample {
	if len(b) == 0 {
		return a
	}
	all := make([]Sample, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if order(b[0], a[0]) < 0 {
			all, b = append(all, b[0]), b[1:]
		} else {
			all, a = append(all, a[0]), a[1:]
		}
	}
	all = append(append(all, a...), b...)
	return all[:min(limit, len(all)):min(limit, len(all))]
}

// mergeRecent keeps the newest of both, oldest first.
func mergeRecent(a, b []Sample) []Sample {
	if len(b) == 0 {
		return a
	}
	newest := make([]Sample, min(recentSize, len(a)+len(b)))
	for i := len(newest) - 1; i >= 0; i-- {
		last := &a
		if len(a) == 0 || len(b) > 0 && byTime(b[len(b)-1], a[len(a)-1]) >= 0 {
			last = &b
		}
		newest[i] = (*last)[len(*last)-1]
		*last = (*last)[:len(*last)-1]
	}
	return newest
}

// newest sorts samples and returns the last, oldest first.
func newest(all []Sample) []Sample {
	slices.SortFunc(all, byTime)
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
