package stats

import (
	"sync/atomic"
	"time"
)

// Rate counts ticks and measures the gaps between them, which tells a steady
// stream from bursts of the same rate. It is safe for concurrent use. Rates
// come from a Registry; a nil one will do.
type Rate struct {
	clock *clock
	gaps  *Distribution
	first atomic.Int64
	last  atomic.Int64
}

// Tick counts one event, now. It reads the clock once.
func (r *Rate) Tick() { r.tick(r.clock.exact()) }

// TickAt counts one event at a time that the caller knows anyway.
func (r *Rate) TickAt(at time.Time) { r.tick(r.clock.at(at)) }

func (r *Rate) tick(now int64) {
	before := r.last.Load()
	for before < now && !r.last.CompareAndSwap(before, now) {
		before = r.last.Load()
	}
	if before == 0 {
		r.first.Store(now)
		return
	}
	// Of two goroutines the one that read the clock first may come second.
	r.gaps.add(time.Duration(max(0, now-before)).Seconds(), now)
}

// Snapshot returns what has been seen so far.
func (r *Rate) Snapshot() *RateSnapshot {
	return r.with(r.gaps.Snapshot())
}

func (r *Rate) with(gaps *DistributionSnapshot) *RateSnapshot {
	s := &RateSnapshot{First: r.first.Load(), Last: r.last.Load(), Gaps: gaps}
	if s.Last != 0 {
		s.Ticks = gaps.Count + 1
	}
	return s
}

func (r *Rate) snapshot(now int64) Value { return r.with(r.gaps.snapshotAt(now)) }

func (r *Rate) fold(now int64) { r.gaps.fold(now) }

// RateSnapshot is what a Rate has seen. The zero value has seen nothing.
type RateSnapshot struct {
	Ticks       uint64
	First, Last int64                 // Unix nanoseconds of the first and last tick
	Gaps        *DistributionSnapshot // seconds between ticks of one process
}

// PerSecond is the mean rate from the first tick to the last; 0 with fewer
// than two ticks. For the rate of late, see the windows of Gaps.
func (r *RateSnapshot) PerSecond() float64 {
	if r.Ticks < 2 || r.Last <= r.First {
		return 0
	}
	return float64(r.Ticks-1) / time.Duration(r.Last-r.First).Seconds()
}

// Merge adds what another process has seen. Gaps are between ticks of the
// same process; the ticks are those of all.
func (r *RateSnapshot) Merge(other *RateSnapshot) {
	if r.First == 0 || other.First != 0 && other.First < r.First {
		r.First = other.First
	}
	r.Last = max(r.Last, other.Last)
	r.Ticks += other.Ticks
	if r.Gaps == nil {
		r.Gaps = &DistributionSnapshot{}
	}
	if other.Gaps != nil {
		r.Gaps.Merge(other.Gaps)
	}
}

// Sub returns what was added since base, an earlier snapshot of the same
// Rate. First is that of all ticks.
func (r *RateSnapshot) Sub(base *RateSnapshot) *RateSnapshot {
	return &RateSnapshot{
		Ticks: r.Ticks - base.Ticks,
		First: r.First,
		Last:  r.Last,
		Gaps:  r.Gaps.Sub(base.Gaps),
	}
}
