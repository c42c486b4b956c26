package stats

import (
	"math"
	"slices"
)

// Buckets are counts on the base-2 exponential scale 5 of OpenTelemetry:
// bucket i holds the magnitudes above 2^(i/32) and up to 2^((i+1)/32), and
// Counts[0] is bucket Offset. The middle of a bucket is within 1.09 % of all
// that is in it.
type Buckets struct {
	Offset int32
	Counts []uint64
}

const (
	perOctave   = 32  // 2^scale
	octaves     = 120 // of each sign; twice that still counts in a byte
	minExponent = -60 // of the lowest octave that has buckets
	minIndex    = minExponent * perOctave
	maxIndex    = (minExponent+octaves)*perOctave - 1
)

// tiny is the largest magnitude that counts as zero in quantiles.
const tiny = 0x1p-60

// bound is where a cell of the mantissa's first six bits is cut in two, and
// the bucket below the cut. Buckets are wider than cells, so one cut is enough.
type bound struct {
	last uint64 // the last mantissa in bucket
	sub  uint64 // the bucket's number within its octave
}

var bounds = mantissaBounds()

const mantissa = 1<<52 - 1

func mantissaBounds() (b [64]bound) {
	sub := uint64(0)
	for i := range b {
		for upperMantissa(sub) < uint64(i)<<46 {
			sub++
		}
		b[i] = bound{upperMantissa(sub), sub}
	}
	return b
}

// upperMantissa is the largest mantissa, less one, that is in bucket sub. The
// one is there because a bucket includes its upper bound.
func upperMantissa(sub uint64) uint64 {
	if sub == perOctave-1 {
		return mantissa
	}
	return math.Float64bits(math.Exp2(float64(sub+1)/perOctave))&mantissa - 1
}

// The places of a value: an octave counted from minExponent, from octaves on
// of negative values, or one of these.
const (
	zeroPlace = 2 * octaves // the value is tiny
	noPlace   = zeroPlace + 1
)

// place finds the octave of a value and the bucket within it.
func place(v float64) (octave uint, sub uint64) {
	u := math.Float64bits(v)&^(1<<63) - 1
	b := bounds[u&mantissa>>46]
	octave = uint(u>>52) - (1023 + minExponent)
	if octave >= octaves {
		return oddPlace(v)
	}
	return octave + uint(math.Float64bits(v)>>63)*octaves, b.sub + (b.last-u&mantissa)>>63
}

// oddPlace is where a value goes that has no bucket of its own: too large
// ones to the last bucket, NaN and infinities nowhere.
func oddPlace(v float64) (octave uint, sub uint64) {
	switch {
	case !isFinite(v):
		return noPlace, 0
	case math.Abs(v) <= tiny:
		return zeroPlace, 0
	case v < 0:
		return 2*octaves - 1, perOctave - 1
	}
	return octaves - 1, perOctave - 1
}

// at returns a pointer to the count of bucket i, making room for it.
func (b *Buckets) at(i int32) *uint64 {
	b.cover(i, i+1)
	return &b.Counts[i-b.Offset]
}

// cover makes room for the buckets from lo up to hi, in whole octaves so that
// it happens rarely, and with nothing to spare because it then stays.
func (b *Buckets) cover(lo, hi int32) {
	end := b.Offset + int32(len(b.Counts))
	if len(b.Counts) > 0 {
		if lo >= b.Offset && hi <= end {
			return
		}
		lo, hi = min(lo, b.Offset), max(hi, end)
	}
	lo = lo &^ (perOctave - 1)
	hi = (hi + perOctave - 1) &^ (perOctave - 1)
	counts := make([]uint64, hi-lo)
	if len(b.Counts) > 0 {
		copy(counts[b.Offset-lo:], b.Counts)
	}
	b.Offset, b.Counts = lo, counts
}

func (b *Buckets) merge(other Buckets) {
	other = other.trim()
	if len(other.Counts) == 0 {
		return
	}
	b.cover(other.Offset, other.Offset+int32(len(other.Counts)))
	into := b.Counts[other.Offset-b.Offset:]
	for i, n := range other.Counts {
		into[i] += n
	}
}

// less takes away other's counts, never below zero.
func (b Buckets) less(other Buckets) Buckets {
	b = b.clone()
	for i, n := range other.Counts {
		if j := int(other.Offset-b.Offset) + i; j >= 0 && j < len(b.Counts) {
			b.Counts[j] -= min(n, b.Counts[j])
		}
	}
	return b.trim()
}

// trim leaves out empty buckets at both ends, so that equal counts are equal
// values. It shares memory with b.
func (b Buckets) trim() Buckets {
	for len(b.Counts) > 0 && b.Counts[0] == 0 {
		b.Counts = b.Counts[1:]
		b.Offset++
	}
	for len(b.Counts) > 0 && b.Counts[len(b.Counts)-1] == 0 {
		b.Counts = b.Counts[:len(b.Counts)-1]
	}
	if len(b.Counts) == 0 {
		return Buckets{}
	}
	return b
}

func (b Buckets) clone() Buckets {
	b = b.trim()
	b.Counts = slices.Clone(b.Counts)
	return b
}

// middle is the value whose relative distance to both ends of bucket i is the
// same.
func middle(i int32) float64 {
	const toMiddle = 1.0108300012533735 // 2*w/(1+w) with w the width 2^(1/32)
	return math.Exp2(float64(i)/perOctave) * toMiddle
}

func (b Buckets) total() (n uint64) {
	for _, c := range b.Counts {
		n += c
	}
	return n
}
