package stats

import (
	"encoding/binary"
	"math"
)

// encoder appends the parts of the binary form: numbers as varints, floats as
// eight bytes, least significant first, lists and strings with their length
// in front.
type encoder struct{ b []byte }

func (e *encoder) uint(n uint64) { e.b = binary.AppendUvarint(e.b, n) }
func (e *encoder) int(n int64)   { e.b = binary.AppendVarint(e.b, n) }

func (e *encoder) bool(b bool) {
	n := uint64(0)
	if b {
		n = 1
	}
	e.uint(n)
}

func (e *encoder) float(v float64) {
	e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(v))
}

func (e *encoder) float32(v float32) {
	e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(v))
}

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) snapshot(s Snapshot) {
	e.int(s.At)
	e.uint(uint64(len(s.Series)))
	for _, series := range s.Series {
		e.string(series.Name)
		e.uint(uint64(len(series.Labels)))
		for _, l := range series.Labels {
			e.string(l.Key)
			e.string(l.Value)
		}
		e.b = append(e.b, byte(series.Value.Kind()))
		series.Value.encode(e)
	}
}

func (n Count) encode(e *encoder) { e.uint(uint64(n)) }

func (l Level) encode(e *encoder) { e.float(float64(l)) }

func (g Greatest) encode(e *encoder) { e.float(float64(g)) }

func (r *RateSnapshot) encode(e *encoder) {
	e.uint(r.Ticks)
	e.int(r.First)
	e.int(r.Last)
	r.Gaps.encode(e)
}

func (d *DistributionSnapshot) encode(e *encoder) {
	e.uint(d.Count)
	for _, v := range [...]float64{d.Mean, d.M2, d.M3, d.M4, d.Sum} {
		e.float(v)
	}
	e.sample(d.Min)
	e.sample(d.Max)
	e.uint(d.Invalid)
	e.uint(d.Zeros)
	e.buckets(d.Positive)
	e.buckets(d.Negative)
	e.samples(d.Largest)
	e.samples(d.Recent)
	e.windows(d.Minutes)
	e.windows(d.Hours)
	for _, a := range d.Averages {
		e.float(a.Sum)
		e.float(a.Weight)
	}
	e.int(d.AveragesAt)
}

func (e *encoder) sample(s Sample) {
	e.float(s.Value)
	e.int(s.At)
}

func (e *encoder) samples(all []Sample) {
	e.uint(uint64(len(all)))
	for _, s := range all {
		e.sample(s)
	}
}

func (e *encoder) buckets(b Buckets) {
	e.int(int64(b.Offset))
	e.uint(uint64(len(b.Counts)))
	for _, n := range b.Counts {
		e.uint(n)
	}
}

func (e *encoder) windows(all []Window) {
	e.uint(uint64(len(all)))
	for _, w := range all {
		e.int(w.Start)
		e.uint(w.Count)
		e.float(w.Sum)
		for _, v := range [...]float32{w.Min, w.Max, w.P50, w.P95, w.P99} {
			e.float32(v)
		}
	}
}

func (s *StatesSnapshot) encode(e *encoder) {
	e.uint(uint64(len(s.States)))
	for _, st := range s.States {
		e.string(st.Name)
		e.int(st.Present)
		e.float(st.SoFar)
		st.Stays.encode(e)
	}
	e.uint(uint64(len(s.Moves)))
	for _, m := range s.Moves {
		e.string(m.From)
		e.string(m.To)
		e.uint(m.Count)
	}
}

func (t *TopSnapshot) encode(e *encoder) {
	e.int(t.Total)
	e.int(t.Lost)
	e.uint(uint64(len(t.Keys)))
	for _, h := range t.Keys {
		e.string(h.Key)
		e.int(h.Weight)
	}
}

func (c *CardinalitySnapshot) encode(e *encoder) {
	e.uint(c.Secret)
	e.b = append(e.b, c.Registers...)
}
