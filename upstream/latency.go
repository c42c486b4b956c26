package upstream

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// average is an exponentially weighted moving average of times to answer. The
// zero average knows nothing yet.
type average struct {
	seconds atomic.Uint64 // the bits of a float64
	fresh   atomic.Bool   // there has been a value since the last fade
}

const averageWeight = 1.0 / 16 // of a new value

// add takes a value. When two goroutines add at once, one of the values may be
// lost, which an average survives.
func (a *average) add(d time.Duration) {
	old := a.value()
	if old == 0 {
		old = d.Seconds()
	}
	a.seconds.Store(math.Float64bits(old + (d.Seconds()-old)*averageWeight))
	if !a.fresh.Load() {
		a.fresh.Store(true)
	}
}

func (a *average) value() float64 { return math.Float64frombits(a.seconds.Load()) }

// fade makes an average forget, by a half in each 7 s of calls every 100 ms, unless it has
// just had a value: an address that was slow must be asked again one day.
func (a *average) fade() {
	if !a.fresh.Swap(false) {
		a.seconds.Store(math.Float64bits(a.value() * 0.99))
	}
}

// magnitude is the binary logarithm of the average in units of 16 us:
// what differs by less than a factor of two is the same in a choice, which
// would otherwise send everything to one of two equals.
func (a *average) magnitude() int {
	us := uint64(a.value() * 1e6 / 16)
	return bits.Len64(us)
}

// spread counts times in logarithmic buckets, eight for each doubling, and
// forgets old ones. It tells quantiles to within a tenth.
type spread struct {
	counts [spreadSize]atomic.Uint32
}

const (
	spreadSize = 8 * 31 // from 1 us to half an hour
	spreadSub  = 3      // bits below the leading one that tell buckets apart
)

func (s *spread) add(d time.Duration) {
	us := uint64(max(8, d.Microseconds()))
	exp := bits.Len64(us) - 1 - spreadSub
	i := exp<<spreadSub + int(us>>exp) - 1<<spreadSub
	s.counts[min(i, spreadSize-1)].Add(1)
}

// bound returns the upper bound of bucket i.
func (s *spread) bound(i int) time.Duration {
	exp := i >> spreadSub
	return time.Duration((uint64(i&(1<<spreadSub-1))+1<<spreadSub+1)<<exp) * time.Microsecond
}

// quantile returns the value that a share q of all is below, and of how many.
func (s *spread) quantile(q float64) (time.Duration, uint64) {
	total := uint64(0)
	for i := range s.counts {
		total += uint64(s.counts[i].Load())
	}
	rank, seen := uint64(q*float64(total)), uint64(0)
	for i := range s.counts {
		if seen += uint64(s.counts[i].Load()); seen > rank {
			return s.bound(i), total
		}
	}
	return 0, total
}

// halve forgets half of everything.
func (s *spread) halve() {
	for i := range s.counts {
		if n := s.counts[i].Load(); n > 0 {
			s.counts[i].Add(-(n + 1) / 2)
		}
	}
}
