package requests

import (
	"slices"
	"sync"
	"weak"
)

// table knows all visits without keeping them: the pool decides how many idle
// ones there are, and whoever handles a request holds its visit.
type table struct {
	mu    sync.Mutex
	all   []weak.Pointer[visit]
	sweep int    // when there are so many, look for those that are gone
	slots uint32 // given out so far
}

// add makes v known and numbers it.
func (t *table) add(v *visit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots++
	v.slot = t.slots
	if len(t.all) >= t.sweep {
		t.all = slices.DeleteFunc(t.all, func(p weak.Pointer[visit]) bool { return p.Value() == nil })
		t.sweep = max(64, 2*len(t.all))
	}
	t.all = append(t.all, weak.Make(v))
}

// visits are those that exist.
func (t *table) visits() []*visit {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := make([]*visit, 0, len(t.all))
	for _, p := range t.all {
		if v := p.Value(); v != nil {
			found = append(found, v)
		}
	}
	return found
}

// find returns the visit that handles the request of that ID, or did, or nil.
func (t *table) find(id ID) *visit {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.all {
		if v := p.Value(); v != nil && v.slot == uint32(id>>32) {
			return v
		}
	}
	return nil
}
