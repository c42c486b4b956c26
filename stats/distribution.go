package stats

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Distribution takes values, or durations in seconds, and tells how they are
// distributed: see DistributionSnapshot. It is safe for concurrent use, and
// goroutines on different processors do not slow each other. Distributions
// come from a Registry; a nil one will do.
//
// Magnitudes above 2^-60 and up to 2^60 have buckets, so that their quantiles
// are within 1.1 %. Smaller ones count as zero in quantiles only, larger ones
// in the last bucket. NaN and infinities are counted as Invalid and otherwise
// left out.
type Distribution struct {
	lanes  *lanes
	clock  *clock
	shards []atomic.Pointer[shard] // a power of two; made when first needed

	invalid atomic.Uint64

	mu    sync.Mutex
	spare *shard // for values that find every shard busy
	whole whole
}

func newDistribution(l *lanes, c *clock) *Distribution {
	return &Distribution{
		lanes:  l,
		clock:  c,
		shards: make([]atomic.Pointer[shard], shardCount()),
	}
}

// Add takes v as seen now, by the coarse clock: to 100 ms while Registry.Run
// runs, otherwise at the last reading of the registry. It does not allocate
// once its buckets exist.
func (d *Distribution) Add(v float64) { d.add(v, d.clock.coarse.Load()) }

// AddDuration takes v in seconds, as seen now by the coarse clock.
func (d *Distribution) AddDuration(v time.Duration) { d.Add(v.Seconds()) }

// AddSince takes the seconds since start, which should have a monotonic
// reading (time.Now gives one); less than nothing counts as nothing. It reads
// the clock.
func (d *Distribution) AddSince(start time.Time) {
	now := time.Now()
	d.AddAt(max(0, now.Sub(start)).Seconds(), now)
}

// AddAt takes v as seen at a time that the caller knows anyway. Its wall
// clock does not matter if it has a monotonic reading.
func (d *Distribution) AddAt(v float64, at time.Time) { d.add(v, d.clock.at(at)) }

func (d *Distribution) add(v float64, now int64) {
	octave, sub := place(v)
	if octave == noPlace {
		d.invalid.Add(1)
		return
	}
	entry := here()
	s := d.shards[d.lanes[entry].Load()&uint32(len(d.shards)-1)].Load()
	if s == nil || !s.tryLock() {
		d.addElsewhere(entry, v, now, octave, sub)
		return
	}
	full := s.add(v, now, octave, sub)
	s.unlock()
	if full {
		d.fold(now)
	}
}

// addElsewhere tries the other shards once each. If all are busy, which means
// that goroutines have lost their processor in the middle of an Add, it waits
// its turn with a mutex; it never spins.
func (d *Distribution) addElsewhere(entry uint8, v float64, now int64, octave uint, sub uint64) {
	lane := d.lanes[entry].Load()
	for i := range uint32(len(d.shards)) {
		s := d.shard((lane + i) & uint32(len(d.shards)-1))
		if !s.tryLock() {
			continue
		}
		if i > 0 {
			d.lanes[entry].Store(lane + i)
		}
		full := s.add(v, now, octave, sub)
		s.unlock()
		if full {
			d.fold(now)
		}
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.spare == nil {
		d.spare = newShard()
	}
	if d.spare.add(v, now, octave, sub) {
		d.whole.drain(d.spare)
	}
}

// shard returns shard i, making it if need be.
func (d *Distribution) shard(i uint32) *shard {
	if s := d.shards[i].Load(); s != nil {
		return s
	}
	d.shards[i].CompareAndSwap(nil, newShard())
	return d.shards[i].Load()
}

// AddN takes v n times over, for counts that come from elsewhere.
func (d *Distribution) AddN(v float64, n uint64) {
	octave, sub := place(v)
	if octave == noPlace {
		d.invalid.Add(n)
		return
	}
	if n == 0 {
		return
	}
	now := d.clock.coarse.Load()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.whole.addN(Sample{v, now}, n, octave, sub)
}

// fold moves what the shards have into the whole. Each shard is closed to its
// goroutines for about a microsecond, which they spend on the next one.
func (d *Distribution) fold(now int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range d.locked {
		d.whole.drain(s)
	}
	d.whole.advance(now)
}

// locked yields each shard, locked meanwhile. The caller holds mu.
func (d *Distribution) locked(yield func(*shard) bool) {
	for i := range d.shards {
		s := d.shards[i].Load()
		if s == nil {
			continue
		}
		for !s.tryLock() {
			runtime.Gosched() // a reader may wait; the holder needs nanoseconds
		}
		more := yield(s)
		s.unlock()
		if !more {
			return
		}
	}
	if d.spare != nil {
		yield(d.spare)
	}
}

// Snapshot returns what has been added so far. An Add that returned before
// Snapshot was called is in it.
func (d *Distribution) Snapshot() *DistributionSnapshot {
	return d.snapshotAt(d.clock.read())
}

func (d *Distribution) snapshot(now int64) Value { return d.snapshotAt(now) }

func (d *Distribution) snapshotAt(now int64) *DistributionSnapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	var recent []Sample
	for s := range d.locked {
		d.whole.drain(s)
		recent = s.recentInto(recent)
	}
	d.whole.advance(now)
	snap := d.whole.snapshot()
	snap.Invalid = d.invalid.Load()
	snap.Recent = newest(recent)
	return snap
}
