package stats

import "sync"

// Delta is what a process has counted since its last Delta: a numbered part
// of a sequence that Totals adds up. Gauges that have changed are in it as they
// are now: differences of floating-point numbers would not add up to the last.
type Delta struct {
	Source   string // one run of one process
	Sequence uint64 // from 1
	Whole    bool   // it has everything so far, and takes the place of all before it
	Snapshot
}

// MarshalBinary returns the compact form of d.
func (d Delta) MarshalBinary() ([]byte, error) {
	e := &encoder{b: []byte{formatVersion}}
	e.string(d.Source)
	e.uint(d.Sequence)
	e.bool(d.Whole)
	e.snapshot(d.Snapshot)
	return e.b, nil
}

// UnmarshalBinary sets d to what MarshalBinary gave, under the rules of
// Snapshot.UnmarshalBinary.
func (d *Delta) UnmarshalBinary(b []byte) error {
	dec, err := newDecoder(b, MaxBinary)
	if err != nil {
		return err
	}
	read := Delta{Source: dec.string(maxName), Sequence: dec.uint(), Whole: dec.bool()}
	read.Snapshot = dec.snapshot()
	if err := dec.end(); err != nil {
		return err
	}
	*d = read
	return nil
}

// Reporter makes the sequence of Deltas of one Registry. It is safe for
// concurrent use.
type Reporter struct {
	reg *Registry

	mu       sync.Mutex
	source   string
	pending  *Delta   // handed out and not acknowledged
	reported Snapshot // what acknowledged Deltas add up to
	current  Snapshot // what they add up to with pending
	sequence uint64
	whole    bool // the next Delta has everything
}

// NewReporter returns a Reporter for a process, which source must name: up to
// 120 bytes that no other run of any process has, now or later. It begins with
// everything counted so far.
func NewReporter(reg *Registry, source string) *Reporter {
	return &Reporter{reg: reg, source: source, whole: true}
}

// Next returns the Delta to send. Until Acknowledge is called with its
// number it returns the same again, so that sending twice counts once.
func (r *Reporter) Next() Delta {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil {
		r.current = r.reg.Snapshot()
		r.sequence++
		r.pending = &Delta{r.source, r.sequence, r.whole, r.current.Sub(r.reported)}
		r.pending.setLevels(func(s Series) Value { return r.current.find(s) })
	}
	return *r.pending
}

// Acknowledge says that the Delta of that number has been applied. Other
// numbers do nothing.
func (r *Reporter) Acknowledge(sequence uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending != nil && r.pending.Sequence == sequence {
		r.reported, r.current, r.pending, r.whole = r.current, Snapshot{}, nil, false
	}
}

// Restart begins again with everything counted so far, for Totals that have
// answered with ErrGap because they lack something of this source.
func (r *Reporter) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending, r.reported, r.current, r.whole = nil, Snapshot{}, Snapshot{}, true
}
