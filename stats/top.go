package stats

import (
	"slices"
	"strings"
	"sync"
)

// Top finds the keys with the largest weights, such as the clients with the
// most requests, in bounded memory whatever the keys. It is exact up to 256
// different keys. Beyond that it forgets the lightest half: each key's weight
// is known between a lower and an upper bound, whose distance is at most
// 1/128 of all weight, and no key heavier than that is missing (the
// frequent-items sketch of Anderson et al., 2017, after Misra and Gries).
//
// It is safe for concurrent use. Keys are cut at 200 bytes. Tops come from a
// Registry; a nil one will do.
type Top struct {
	mu     sync.Mutex
	weight map[string]*int64
	lost   int64 // the most that any key's weight may have lost
	total  int64
}

const (
	topKeys  = 256
	maxBytes = 200 // of a key or a label's value
)

func newTop() *Top { return &Top{weight: make(map[string]*int64)} }

// Add counts key once more.
func (t *Top) Add(key string) { t.AddWeight(key, 1) }

// AddWeight adds weight to key. A weight below one adds nothing.
func (t *Top) AddWeight(key string, weight int64) {
	if weight <= 0 {
		return
	}
	if len(key) > maxBytes {
		key = key[:maxBytes]
	}
	t.mu.Lock()
	t.total += weight
	if w := t.weight[key]; w != nil {
		*w += weight
	} else {
		t.insert(key, weight)
	}
	t.mu.Unlock()
}

func (t *Top) insert(key string, weight int64) {
	if len(t.weight) == topKeys {
		t.purge()
	}
	// A copy, lest the key keep the caller's buffer in memory.
	t.weight[strings.Clone(key)] = &weight
}

// purge takes the median weight from all keys, and with it the lighter half
// of them.
func (t *Top) purge() {
	all := make([]int64, 0, topKeys)
	for _, w := range t.weight {
		all = append(all, *w)
	}
	slices.Sort(all)
	median := all[len(all)/2]
	for key, w := range t.weight {
		if *w -= median; *w <= 0 {
			delete(t.weight, key)
		}
	}
	t.lost += median
}

// Snapshot returns what has been seen so far.
func (t *Top) Snapshot() *TopSnapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &TopSnapshot{Total: t.total, Lost: t.lost}
	if len(t.weight) > 0 {
		s.Keys = make([]Heavy, 0, len(t.weight))
	}
	for key, w := range t.weight {
		s.Keys = append(s.Keys, Heavy{key, *w})
	}
	slices.SortFunc(s.Keys, byKey)
	return s
}

func (t *Top) snapshot(int64) Value { return t.Snapshot() }

func (t *Top) fold(int64) {}
