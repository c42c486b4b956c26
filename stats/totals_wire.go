package stats

import (
	"maps"
	"slices"
)

// MarshalBinary returns the compact form of t, for a process that is replaced
// by another which goes on adding up.
func (t *Totals) MarshalBinary() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := &encoder{b: []byte{formatVersion}}
	e.snapshot(t.gone)
	e.uint(uint64(len(t.live)))
	for _, name := range slices.Sorted(maps.Keys(t.live)) {
		e.string(name)
		e.uint(t.live[name].sequence)
		e.snapshot(t.live[name].total)
	}
	return e.b, nil
}

// UnmarshalBinary sets t, but for its Limits, to what MarshalBinary gave,
// under the rules of Snapshot.UnmarshalBinary.
func (t *Totals) UnmarshalBinary(b []byte) error {
	d, err := newDecoder(b)
	if err != nil {
		return err
	}
	gone := d.snapshot()
	live := make(map[string]*source)
	for range d.length("sources", 4, maxSources) {
		live[d.string(maxName)] = &source{d.uint(), d.snapshot()}
	}
	if err := d.end(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone, t.live = gone, live
	return nil
}
