package stats

import (
	"cmp"
	"slices"
	"strings"
)

// Heavy is a key and its weight: at least Weight, and at most the Lost of its
// TopSnapshot more.
type Heavy struct {
	Key    string
	Weight int64
}

func byKey(a, b Heavy) int { return strings.Compare(a.Key, b.Key) }

func byWeight(a, b Heavy) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), byKey(a, b)) }

// TopSnapshot is what a Top has seen. In a difference, weights and Lost may
// be negative.
type TopSnapshot struct {
	Total int64   // of all weights, also of keys not kept
	Lost  int64   // the most that any key weighs beyond what Keys says
	Keys  []Heavy // sorted by key
}

// Heaviest returns up to n keys, heaviest first.
func (t *TopSnapshot) Heaviest(n int) []Heavy {
	keys := slices.SortedFunc(slices.Values(t.Keys), byWeight)
	return keys[:min(max(n, 0), len(keys))]
}

// Bounds returns between what the weight of key is, whether it was kept or
// not.
func (t *TopSnapshot) Bounds(key string) (lower, upper int64) {
	if i, ok := slices.BinarySearchFunc(t.Keys, Heavy{Key: key}, byKey); ok {
		lower = t.Keys[i].Weight
	}
	return lower, lower + t.Lost
}

// Merge adds what other has seen. Bounds stay bounds; while there are no more
// than 256 different keys they are exact.
func (t *TopSnapshot) Merge(other *TopSnapshot) {
	t.Total += other.Total
	t.Lost += other.Lost
	t.Keys = addWeights(t.Keys, other.Keys, 1)
	if len(t.Keys) > topKeys {
		t.shrink()
	}
}

// Sub returns what was added since base, an earlier snapshot of the same Top.
func (t *TopSnapshot) Sub(base *TopSnapshot) *TopSnapshot {
	return &TopSnapshot{
		Total: t.Total - base.Total,
		Lost:  t.Lost - base.Lost,
		Keys:  addWeights(t.Keys, base.Keys, -1),
	}
}

// addWeights returns a plus factor times b, without keys of no weight.
func addWeights(a, b []Heavy, factor int64) []Heavy {
	sum := make([]Heavy, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var next Heavy
		order := cmp.Compare(len(b), 0) - cmp.Compare(len(a), 0)
		if len(a) > 0 && len(b) > 0 {
			order = byKey(a[0], b[0])
		}
		if order <= 0 {
			next, a = a[0], a[1:]
		}
		if order >= 0 {
			next.Key = b[0].Key
			next.Weight += factor * b[0].Weight
			b = b[1:]
		}
		if next.Weight != 0 {
			sum = append(sum, next)
		}
	}
	if len(sum) == 0 {
		return nil
	}
	return sum
}

// shrink takes the weight of the heaviest key too many from all keys, which
// leaves at most topKeys.
func (t *TopSnapshot) shrink() {
	excess := max(0, t.Heaviest(topKeys + 1)[topKeys].Weight)
	for i := range t.Keys {
		t.Keys[i].Weight -= excess
	}
	t.Keys = slices.DeleteFunc(t.Keys, func(h Heavy) bool { return h.Weight <= 0 })
	t.Lost += excess
}

func (t *TopSnapshot) clone() *TopSnapshot {
	return &TopSnapshot{t.Total, t.Lost, slices.Clone(t.Keys)}
}
