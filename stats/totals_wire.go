package stats

import (
	"fmt"
	"maps"
	"slices"
)

// maxTotals is the most bytes of Totals: those of many processes, each of which
// has at most MaxBinary.
const maxTotals = 1 << 30

// MarshalBinary returns the compact form of t, for a process that is replaced
// by another which goes on adding up. It fails if that is longer than 1 GiB.
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
	if len(e.b) > maxTotals {
		return nil, fmt.Errorf("stats: totals of %d bytes: at most %d can be read again", len(e.b), maxTotals)
	}
	return e.b, nil
}

// UnmarshalBinary sets t, but for its Limits, to what MarshalBinary gave,
// under the rules of Snapshot.UnmarshalBinary, but up to 1 GiB.
func (t *Totals) UnmarshalBinary(b []byte) error {
	d, err := newDecoder(b, maxTotals)
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
