package ui

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// scale maps values to a part of the height, 0 at the bottom.
type scale struct {
	low, high float64 // logarithms if log
	log       bool
	ticks     []float64
}

// linear is a scale from 0 to a round value above high, with two or three
// ticks besides 0.
func linear(high float64, unit string) scale {
	if high <= 0 || math.IsNaN(high) || math.IsInf(high, 0) {
		high = 1
	}
	if unit == data.UnitCores {
		high = max(high, leastCores)
	}
	step := roundUp(high/3, unit)
	s := scale{ticks: []float64{0}}
	for v := step; ; v += step {
		s.high = v
		s.ticks = append(s.ticks, v)
		if v >= high*0.999 || len(s.ticks) > 4 {
			return s
		}
	}
}

// leastCores is the least of a processor's time that is worth an axis of its own:
// three ticks of a hundredth, which is as fine as cores are shown.
const leastCores = 0.03

// roundUp returns the next round number: 1, 2, 2.5 or 5 times a power of ten;
// of bytes in memory a power of two.
func roundUp(v float64, unit string) float64 {
	if unit == data.UnitBytes {
		return math.Exp2(math.Ceil(math.Log2(v)))
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	if unit == "" && power < 1 { // things are counted whole
		return 1
	}
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*power >= v*0.999 {
			return m * power
		}
	}
	return 10 * power
}

// logarithmic is a scale over whole powers of ten, two at least and with four
// ticks at most.
func logarithmic(low, high float64) scale {
	if low <= 0 || math.IsNaN(low) || math.IsInf(low, 0) {
		low, high = 0.001, 1
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if to-from < 2 {
		to = from + 2
	}
	s := scale{low: from, high: to, log: true}
	step := math.Ceil((to - from) / 4)
	for p := from; p <= to; p += step {
		s.ticks = append(s.ticks, math.Pow(10, p))
	}
	return s
}

// at returns where v lies, from 0 at the bottom to 1 at the top.
func (s scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(math.Max(v, math.Pow(10, s.low)))
	}
	return min(1.02, max(0, (v-s.low)/(s.high-s.low)))
}

// tick writes a value at an axis, where zeros behind the point say nothing.
func tickLabel(v float64, unit string) string {
	q := human.Of(v, unit)
	if strings.Contains(q.Text, ".") {
		q.Text = strings.TrimRight(strings.TrimRight(q.Text, "0"), ".")
	}
	if v == 0 {
		return "0"
	}
	if unit == data.UnitRate {
		q.Unit = strings.TrimSuffix(q.Unit, "/s")
	}
	return q.String()
}

// number writes a coordinate, as short as it can be.
func number(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 1, 64), "0"), ".")
}

// xTick is a label below a chart.
type xTick struct {
	X, Label, Class string
}

// timeTicks labels the beginning, round minutes, and now.
func timeTicks(start, length float64) []xTick {
	first := time.Unix(int64(start), 0)
	from, to := 0.23, 0.85 // where a label does not run into the first and last
	if length < withSeconds {
		from, to = 0.35, 0.8
	}
	ticks := []xTick{{X: "0", Label: clock(first, length)}}
	for _, step := range []float64{60, 300, 900, 1800, 3600, 6 * 3600} {
		if length/step > 4.5 {
			continue
		}
		for at := math.Ceil(start/step) * step; at < start+length; at += step {
			x := (at - start) / length
			if x > from && x < to {
				ticks = append(ticks, xTick{number(100 * x), clock(time.Unix(int64(at), 0), length), "m"})
			}
		}
		break
	}
	return append(ticks, xTick{"100", "now", "e"})
}

// withSeconds is the longest time, in seconds, whose labels need them.
const withSeconds = 300

func clock(t time.Time, length float64) string {
	if length < withSeconds {
		return t.UTC().Format("15:04:05")
	}
	return t.UTC().Format("15:04")
}
