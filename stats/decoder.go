package stats

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// decoder takes the binary form apart. Its first error stays, and everything
// after is zero. Nothing is allocated but what the bytes left can fill, so
// memory is at most about 64 times the input.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrFormat, what)
	}
	d.b = nil
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail("number is cut short or too long")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail("number is cut short or too long")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) bool() bool {
	n := d.uint()
	if n > 1 {
		d.fail("truth")
	}
	return n == 1
}

// take returns the next n bytes, which stay part of the input.
func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.fail("cut short")
		return nil
	}
	part := d.b[:n]
	d.b = d.b[n:]
	return part
}

func (d *decoder) float() float64 {
	if b := d.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) float32() float32 {
	if b := d.take(4); b != nil {
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// length reads how many elements of at least size bytes follow, at most limit.
func (d *decoder) length(what string, size, limit int) int {
	n := d.uint()
	if n > uint64(limit) || n > uint64(len(d.b)/size) {
		d.fail(fmt.Sprintf("%d %s are too many", n, what))
		return 0
	}
	return int(n)
}

func (d *decoder) string(limit int) string {
	return string(d.take(d.length("bytes of a string", 1, limit)))
}

// list reads a list of elements that take at least size bytes each.
func list[T any](d *decoder, what string, size, limit int, read func() T) []T {
	n := d.length(what, size, limit)
	if n == 0 {
		return nil
	}
	all := make([]T, n)
	for i := range all {
		all[i] = read()
	}
	return all
}

func (d *decoder) snapshot() Snapshot {
	s := Snapshot{At: d.int()}
	s.Series = list(d, "series", 3, maxSeries, d.series)
	if d.err == nil && !slices.IsSortedFunc(s.Series, Series.compare) {
		d.fail("series are out of order")
	}
	return s
}

func (d *decoder) series() Series {
	s := Series{Name: d.string(maxName)}
	if d.err == nil && CheckName(s.Name) != nil {
		d.fail("bad name")
	}
	s.Labels = list(d, "labels", 2, maxLabels, d.label)
	s.Value = d.value()
	return s
}

func (d *decoder) label() Label {
	l := Label{d.string(maxName), d.clean()}
	if d.err == nil && CheckName(l.Key) != nil {
		d.fail("bad label")
	}
	return l
}

// clean reads the value of a label, or the name of a state.
func (d *decoder) clean() string {
	s := d.string(maxBytes)
	if cleanValue(s) != s {
		d.fail("text that is not clean")
	}
	return s
}

func (d *decoder) value() Value {
	kind := d.take(1)
	if kind == nil {
		return Count(0)
	}
	switch Kind(kind[0]) {
	case KindCounter:
		return Count(min(d.uint(), math.MaxInt64))
	case KindGauge:
		return Level(d.finite())
	case KindPeak:
		return d.greatest()
	case KindRate:
		return &RateSnapshot{d.uint(), d.int(), d.int(), d.distribution()}
	case KindDistribution:
		return d.distribution()
	case KindStates:
		return d.states()
	case KindTop:
		return d.top()
	case KindCardinality:
		return d.cardinality()
	}
	d.fail(fmt.Sprintf("unknown kind %d", kind[0]))
	return Count(0)
}

func (d *decoder) finite() float64 {
	v := d.float()
	if !isFinite(v) {
		d.fail("level is not a number")
	}
	return v
}

func (d *decoder) greatest() Greatest {
	v := d.finite()
	if math.Signbit(v) {
		d.fail("peak below 0")
		return 0
	}
	return Greatest(v)
}

func (d *decoder) distribution() *DistributionSnapshot {
	s := &DistributionSnapshot{
		Moments:  Moments{d.uint(), d.float(), d.float(), d.float(), d.float()},
		Sum:      d.float(),
		Min:      d.sample(),
		Max:      d.sample(),
		Invalid:  d.uint(),
		Zeros:    d.uint(),
		Positive: d.buckets(),
		Negative: d.buckets(),
		Largest:  list(d, "largest values", 9, largestSize, d.sample),
		Recent:   list(d, "recent values", 9, recentSize, d.sample),
		Minutes:  list(d, "minutes", 30, minuteWindows, d.window),
		Hours:    list(d, "hours", 30, hourWindows, d.window),
	}
	for i := range s.Averages {
		s.Averages[i] = Average{d.float(), d.float()}
	}
	s.AveragesAt = d.int()
	if s.Count != s.Zeros+s.Positive.total()+s.Negative.total() {
		d.fail("count is not that of the buckets")
	}
	return s
}

func (d *decoder) sample() Sample { return Sample{d.float(), d.int()} }

func (d *decoder) buckets() Buckets {
	offset := d.int()
	counts := list(d, "buckets", 1, octaves*perOctave, d.uint)
	if len(counts) == 0 {
		return Buckets{}
	}
	if offset < minIndex || offset > maxIndex+1-int64(len(counts)) {
		d.fail("buckets out of range")
		return Buckets{}
	}
	return Buckets{int32(offset), counts}.trim()
}

func (d *decoder) window() Window {
	return Window{d.int(), d.uint(), d.float(), d.float32(), d.float32(), d.float32(), d.float32(), d.float32()}
}

func (d *decoder) states() *StatesSnapshot {
	s := &StatesSnapshot{}
	// Merged snapshots may have the states of differing programs.
	s.States = list(d, "states", 80, maxStatesMerged, func() StateSnapshot {
		return StateSnapshot{d.clean(), d.int(), d.float(), d.distribution()}
	})
	s.Moves = list(d, "moves", 3, maxStatesMerged*maxStatesMerged, func() Move {
		return Move{d.clean(), d.clean(), d.uint()}
	})
	if !slices.IsSortedFunc(s.States, byName) || !slices.IsSortedFunc(s.Moves, byEnds) {
		d.fail("states are out of order")
	}
	return s
}

func (d *decoder) top() *TopSnapshot {
	t := &TopSnapshot{Total: d.int(), Lost: d.int()}
	t.Keys = list(d, "keys", 2, 2*topKeys, func() Heavy { return Heavy{d.string(maxBytes), d.int()} })
	if !slices.IsSortedFunc(t.Keys, byKey) {
		d.fail("keys are out of order")
	}
	return t
}

func (d *decoder) cardinality() *CardinalitySnapshot {
	c := &CardinalitySnapshot{Secret: d.uint()}
	c.Registers = slices.Clone(d.take(registers))
	if d.err == nil && slices.Max(c.Registers) > maxRank {
		d.fail("register out of range")
	}
	return c
}
