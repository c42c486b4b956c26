package strict

import (
	"encoding/json"
	"math/bits"
	"time"
)

const (
	latencyBits = 6 // sub-buckets of a power of two, as a power of two
	latencySubs = 1 << latencyBits
	latencySize = (64 - latencyBits) * latencySubs
)

// Latency is a distribution of durations in logarithmic buckets, each at most
// 1/64 of its value wide. The zero value is empty. It is not safe for
// concurrent use.
type Latency struct {
	buckets []int64 // nil until the first Add; 29 KiB then
	count   int64
	max     time.Duration
}

// Add adds one duration; a negative one counts as zero.
func (l *Latency) Add(d time.Duration) {
	if l.buckets == nil {
		l.buckets = make([]int64, latencySize)
	}
	d = max(d, 0)
	l.buckets[latencyBucket(uint64(d))]++
	l.count++
	l.max = max(l.max, d)
}

// latencyBucket returns where v belongs: the highest latencyBits+1 bits of v
// choose it, and below latencySubs every value has its own.
func latencyBucket(v uint64) int {
	shift := max(bits.Len64(v)-latencyBits-1, 0)
	return shift<<latencyBits + int(v>>shift)
}

// latencyBound returns the highest value of a bucket.
func latencyBound(bucket int) uint64 {
	shift := max(bucket>>latencyBits-1, 0)
	return uint64(bucket-shift<<latencyBits+1)<<shift - 1
}

// Merge adds what other holds.
func (l *Latency) Merge(other *Latency) {
	if other.count == 0 {
		return
	}
	if l.buckets == nil {
		l.buckets = make([]int64, latencySize)
	}
	for i, n := range other.buckets {
		l.buckets[i] += n
	}
	l.count += other.count
	l.max = max(l.max, other.max)
}

// Count returns how many durations were added.
func (l *Latency) Count() int64 { return l.count }

// Max returns the longest, exactly; zero if there is none.
func (l *Latency) Max() time.Duration { return l.max }

// Quantile returns the duration that a fraction q of all does not exceed, at
// most 1/64 too high; zero if there is none.
func (l *Latency) Quantile(q float64) time.Duration {
	rank := int64(q * float64(l.count))
	for i, n := range l.buckets {
		rank -= n
		if rank < 0 {
			return min(time.Duration(latencyBound(i)), l.max)
		}
	}
	return l.max
}

// MarshalJSON writes count, quantiles and maximum, the latter in nanoseconds.
func (l *Latency) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Count int64         `json:"count"`
		P50   time.Duration `json:"p50_ns"`
		P99   time.Duration `json:"p99_ns"`
		P999  time.Duration `json:"p999_ns"`
		P9999 time.Duration `json:"p9999_ns"`
		Max   time.Duration `json:"max_ns"`
	}{l.count, l.Quantile(.5), l.Quantile(.99), l.Quantile(.999), l.Quantile(.9999), l.max})
}
