package stats

import "math"

// rows are counts of buckets that exist by whole octaves, and only those that
// are needed. The zero value is empty.
type rows struct {
	of     [zeroPlace + 1]uint8 // of each place, counted from 1; 0 is none
	counts [][perOctave]uint32
}

// row returns the counts of a place, making them if need be.
func (r *rows) row(octave uint) *[perOctave]uint32 {
	if r.of[octave] == 0 {
		r.grow(octave)
	}
	return &r.counts[r.of[octave]-1]
}

// grow adds one row and no spare ones: it happens a few times in all, and
// the memory stays.
func (r *rows) grow(octave uint) {
	counts := make([][perOctave]uint32, len(r.counts)+1)
	copy(counts, r.counts)
	r.counts = counts
	r.of[octave] = uint8(len(counts))
}

// all yields every row that exists with its place.
func (r *rows) all(yield func(uint, *[perOctave]uint32) bool) {
	for octave, i := range r.of {
		if i != 0 && !yield(uint(octave), &r.counts[i-1]) {
			return
		}
	}
}

// buckets returns the counts in the form of a snapshot.
func (r *rows) buckets() (b signedBuckets) {
	for octave, row := range r.all {
		b.addRow(octave, row)
	}
	return b
}

// signedBuckets are the counts of all finite values.
type signedBuckets struct {
	Zeros              uint64 // magnitudes up to 2^-60
	Positive, Negative Buckets
}

// addRow adds the counts of a place.
func (b *signedBuckets) addRow(octave uint, row *[perOctave]uint32) {
	switch {
	case octave == zeroPlace:
		b.Zeros += uint64(row[0])
	case octave < octaves:
		b.Positive.addRow(octave, row)
	default:
		b.Negative.addRow(octave-octaves, row)
	}
}

// at returns the count of one bucket.
func (b *signedBuckets) at(octave uint, sub uint64) *uint64 {
	i := minIndex + int32(octave%octaves)*perOctave + int32(sub)
	switch {
	case octave == zeroPlace:
		return &b.Zeros
	case octave < octaves:
		return b.Positive.at(i)
	}
	return b.Negative.at(i)
}

// addRow adds the counts of one octave, counted from minExponent.
func (b *Buckets) addRow(octave uint, row *[perOctave]uint32) {
	lo := minIndex + int32(octave)*perOctave
	b.cover(lo, lo+perOctave)
	into := b.Counts[lo-b.Offset:][:perOctave]
	for i, n := range row {
		into[i] += uint64(n)
	}
}

// add adds the counts of other. A count stays at its largest value rather
// than overflow.
func (r *rows) add(other *rows) {
	for octave, row := range other.all {
		r.addRow(octave, row)
	}
}

func (r *rows) addRow(octave uint, row *[perOctave]uint32) {
	into := r.row(octave)
	for i, n := range row {
		into[i] += min(n, math.MaxUint32-into[i])
	}
}

// clear sets all counts to 0 and keeps the memory.
func (r *rows) clear() { clear(r.counts) }
