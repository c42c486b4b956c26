package ui

import (
	"fmt"
	"math"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

const (
	barsWide   = 64  // columns of a histogram
	barsTop    = 30  // below the labels of the quantiles
	barsBottom = 174 // the axis
)

// histogram is a data.Histogram, ready to be written: the x axis logarithmic,
// the y axis a square root, so that the tail is seen.
type histogram struct {
	ID, Says string
	Keys     []key
	Ticks    []yTick
	XTicks   []xTick
	Bars     []bar3
	Lines    []quantileLine
	Hits     []hit
}

type bar3 struct{ Class, X, W, Y, H string }

type quantileLine struct{ X, Y, DX, Name, Label, Class string }

func newHistogram(d *data.Histogram, id string) *histogram {
	h := &histogram{ID: id, Says: d.Says}
	low, high := extent(d)
	if h.Says == "" {
		h.Says = "Histogram"
		for _, q := range d.Quantiles {
			h.Says += fmt.Sprintf(", p%g %s", q.P*100, human.Of(q.Value, d.Unit))
		}
	}
	span := math.Log(high) - math.Log(low)
	x := func(v float64) float64 { return max(0, min(1, (math.Log(max(v, low))-math.Log(low))/span)) }
	counts := spread(d.Buckets, x)
	top := 0.0
	for _, n := range counts {
		top = max(top, n)
	}
	h.axes(d, top, low, high, x)
	p95, p99 := d.At(0.95), d.At(0.99)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		from := math.Exp(math.Log(low) + span*float64(i)/barsWide)
		to := math.Exp(math.Log(low) + span*float64(i+1)/barsWide)
		height := max(1.5, (barsBottom-barsTop)*math.Sqrt(n/top))
		h.Bars = append(h.Bars, bar3{
			barClass(to, p95, p99), number(100*float64(i)/barsWide + 0.1), number(100.0/barsWide - 0.2),
			number(barsBottom - height), number(height),
		})
		h.Hits = append(h.Hits, hit{
			number(100 * float64(i) / barsWide), number(100.0 / barsWide),
			fmt.Sprintf("%s to %s\t\ncount\t%s", human.Of(from, d.Unit), human.Of(to, d.Unit), human.Count(math.Round(n))),
		})
	}
	h.quantiles(d, x)
	h.Keys = []key{{Name: "to p95", Color: 1}, {Name: "to p99", Color: 5}, {Name: "slowest 1 %", Color: 2}}
	if d.Unit != data.UnitSeconds {
		h.Keys[2].Name = "largest 1 %"
	}
	return h
}

// extent is from the lowest to the highest positive value.
func extent(d *data.Histogram) (low, high float64) {
	low, high = math.Inf(1), d.Max
	for _, b := range d.Buckets {
		if b.Count > 0 && b.High > 0 {
			low, high = min(low, max(b.Low, b.High/1.1)), max(high, b.High)
		}
	}
	if math.IsInf(low, 1) || high <= low {
		if math.IsInf(low, 1) {
			low = 1
		}
		high = low * 10
	}
	if high/low < 4 {
		low, high = low/2, high*2
	}
	return low, high
}

// spread divides the buckets among the columns.
func spread(buckets []data.Bucket, x func(float64) float64) []float64 {
	counts := make([]float64, barsWide)
	for _, b := range buckets {
		from, to := x(b.Low)*barsWide, x(b.High)*barsWide
		if to-from < 1e-9 {
			counts[min(barsWide-1, int(from))] += b.Count
			continue
		}
		for i := int(from); i < barsWide && float64(i) < to; i++ {
			part := min(to, float64(i+1)) - max(from, float64(i))
			counts[i] += b.Count * part / (to - from)
		}
	}
	return counts
}

func barClass(to, p95, p99 float64) string {
	switch {
	case p99 > 0 && to > p99*1.02:
		return "f2"
	case p95 > 0 && to > p95*1.02:
		return "f5"
	}
	return "f1"
}

func (h *histogram) axes(d *data.Histogram, top, low, high float64, x func(float64) float64) {
	h.Ticks = append(h.Ticks, yTick{number(barsBottom), number(barsBottom + 4), "0", true})
	for _, v := range rootTicks(top) {
		y := barsBottom - (barsBottom-barsTop)*math.Sqrt(v/top)
		h.Ticks = append(h.Ticks, yTick{number(y), number(y + 4), tickLabel(v, ""), false})
	}
	decades := math.Log10(high / low)
	for p := math.Floor(math.Log10(low)); p <= math.Ceil(math.Log10(high)); p++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, p)
			if v < low || v > high || m != 1 && decades > 2.5 {
				continue
			}
			if at := x(v); at > 0.03 && at < 0.97 {
				h.XTicks = append(h.XTicks, xTick{X: number(100 * at), Label: tickLabel(v, d.Unit)})
			}
		}
	}
}

// rootTicks are round numbers up to top that lie well apart on an axis of square
// roots.
func rootTicks(top float64) []float64 {
	var ticks []float64
	for v := roundUp(max(top, 1)/2, ""); v >= 1 && len(ticks) < 3; v /= 4 {
		if v = math.Floor(v/math.Pow(10, math.Floor(math.Log10(v)))) * math.Pow(10, math.Floor(math.Log10(v))); v <= top {
			ticks = append(ticks, v)
		}
	}
	return ticks
}

// quantiles writes each label at the left of its line, in rows of their own if
// they would touch.
func (h *histogram) quantiles(d *data.Histogram, x func(float64) float64) {
	lines := make([]quantileLine, 0, len(d.Quantiles)+1)
	add := func(name string, v float64) {
		at := x(v)
		l := quantileLine{X: number(100 * at), DX: "-4", Name: name, Label: human.Of(v, d.Unit).String(), Class: "e"}
		if at < 0.2 {
			l.DX, l.Class = "4", ""
		}
		l.Y = number(float64(6 + 11*(len(lines)%3)))
		lines = append(lines, l)
	}
	for _, q := range d.Quantiles {
		add(fmt.Sprintf("p%g", q.P*100), q.Value)
	}
	add("max", d.Max)
	h.Lines = lines
}
