package stats

import (
	"math"
	"sync/atomic"
)

// shard takes the values of some of the goroutines that use a Distribution,
// until a fold drains it into the whole. All but lock is guarded by lock.
type shard struct {
	lock  atomic.Uint32 // 1 while somebody adds or drains
	added uint64        // values ever, which says where recent goes on
	next  uint64        // what added is at the next settle
	done  uint64        // what added was at the last one

	low   float64 // below it a value is a new minimum
	floor float64 // above it a value is among the largest
	powers

	settled Moments // since the last drain, but for the unfinished batch
	sum     float64 // likewise
	min     Sample
	largest largest

	rows
	recent [recentSize]Sample

	_ [64]byte // keeps the next shard's lock off our cache lines
}

const (
	// A batch is settled after 1, 16, 256 and then each 1024 values: the
	// first values are a poor guess of the mean.
	batchGrowth = 16
	maxBatch    = 1024

	// drainAt is where a shard has to be drained so that no bucket of it
	// overflows.
	drainAt = 1 << 31
)

func newShard() *shard {
	return &shard{next: 1, low: math.Inf(1), floor: math.Inf(-1)}
}

func (s *shard) tryLock() bool { return s.lock.CompareAndSwap(0, 1) }

func (s *shard) unlock() { s.lock.Store(0) }

// add counts v and reports whether the shard should be drained. The caller
// has looked up the place of v, which has one, and holds the lock.
func (s *shard) add(v float64, now int64, octave uint, sub uint64) (full bool) {
	s.row(octave)[sub%perOctave]++
	s.powers.add(v)
	s.recent[s.added%recentSize] = Sample{v, now}
	s.added++
	if v < s.low || v > s.floor {
		s.extreme(Sample{v, now})
	}
	return s.added == s.next && s.settle()
}

func (s *shard) extreme(v Sample) {
	if v.Value < s.low {
		s.low, s.min = v.Value, v
	}
	if v.Value > s.floor {
		s.largest.add(v)
		if s.largest.full() {
			s.floor = max(s.floor, s.largest.kept[largestSize-1].Value)
		}
	}
}

// settle turns the sums of powers, while they are small, into moments. It
// reports whether the shard should be drained.
func (s *shard) settle() (full bool) {
	n := s.added - s.done
	if n == 0 {
		return false
	}
	s.settled.merge(s.powers.moments(n))
	s.sum += s.powers.sum
	s.powers = powers{near: s.settled.Mean}
	s.done = s.added
	s.next = s.added + min(n*batchGrowth, maxBatch)
	return s.settled.Count >= drainAt
}

// begin readies the shard for the values after a drain. Those will be near
// the mean of all so far.
func (s *shard) begin(mean float64) {
	s.settled = Moments{}
	s.powers = powers{near: mean}
	s.sum, s.largest = 0, largest{}
	s.low, s.floor = math.Inf(1), math.Inf(-1)
}

// recentInto appends the last values, oldest first.
func (s *shard) recentInto(all []Sample) []Sample {
	next := s.added % recentSize
	if s.added >= recentSize {
		all = append(all, s.recent[next:]...)
	}
	return append(all, s.recent[:next]...)
}
