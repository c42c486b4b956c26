package meta

import (
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/support-go/support/meta/data"
)

// past is what a page shows of the history: that of one process, or of all,
// over one stretch of time.
type past struct {
	*history
	process string
	within  time.Duration
}

// ranges are the stretches that can be chosen, the last by default.
func ranges() []struct {
	Name string
	Time time.Duration
} {
	return []struct {
		Name string
		Time time.Duration
	}{{"15m", 15 * time.Minute}, {"1h", kept}}
}

// past is the history that the questions of a page are about.
func (a *app) past(q url.Values) past {
	p := past{a.history, q.Get("worker"), kept}
	for _, r := range ranges() {
		if r.Name == q.Get("range") {
			p.within = r.Time
		}
	}
	return p
}

// of is the same time of another process; of all with an empty name.
func (p past) of(process string) past {
	p.process = process
	return p
}

// span is a stretch of history, as charts want it.
type span struct {
	start, step float64 // seconds
	values      data.Numbers
}

// maxPoints is how many a chart has at most.
const maxPoints = 120

// bin is the time that one point stands for: whole steps, as few as make no
// more than maxPoints of the stretch.
func (p past) bin(step time.Duration) time.Duration {
	bin := step
	for p.within > maxPoints*bin {
		bin += step
	}
	return bin
}

// axis is from when to when charts go, in Unix seconds: up to the newest moment
// of all, back to when the history began or as far as it is asked for. Both are
// multiples of the same time, so that points keep their places.
func (p past) axis() (from, to float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, last := p.stretch()
	bin := int64(p.bin(groupStep))
	return float64(first/bin*bin) / 1e9, float64(last/bin*bin) / 1e9
}

// stretch is what there is, in Unix nanoseconds.
func (p past) stretch() (first, last int64) {
	last = time.Now().UnixNano()
	if t := p.tracks[""]; t != nil {
		last = t.last * int64(t.step)
	}
	return max(p.began.UnixNano(), last-int64(p.within-p.bin(groupStep))), last
}

// get returns what is kept of an instrument, the oldest first, in at most
// maxPoints points: by the largest of those that become one, or by their mean.
// There are none if nothing is known of it.
func (p past) get(id string, of plane, byLargest bool) span {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tracks[p.process]
	if t == nil || t.lines[id] == nil || of >= t.keeps {
		return span{}
	}
	ring := t.lines[id].values[int(of)*len(t.at):][:len(t.at)]
	bin := p.bin(t.step)
	first, last := p.stretch()
	if newest := t.last * int64(t.step); last-newest < int64(2*t.step) { // it is only not asked as often
		last = min(last, newest)
	}
	each := int64(bin / t.step)
	s := span{start: float64(first/int64(bin)*int64(bin)) / 1e9, step: bin.Seconds()}
	for at := first / int64(bin); at <= last/int64(bin); at++ {
		b := newBin()
		for moment := at * each; moment < (at+1)*each; moment++ {
			if slot := int(moment) % len(t.at); t.at[slot] == moment {
				b.add(float64(ring[slot]))
			}
		}
		s.values = append(s.values, b.value(byLargest))
	}
	return s
}

// bin is what becomes one point.
type bin struct {
	sum, largest float64
	n            int
}

func newBin() bin { return bin{largest: math.Inf(-1)} }

func (b *bin) add(v float64) {
	if !math.IsNaN(v) {
		b.sum += v
		b.largest = max(b.largest, v)
		b.n++
	}
}

func (b *bin) value(byLargest bool) float64 {
	switch {
	case b.n == 0:
		return math.NaN()
	case byLargest:
		return b.largest
	}
	return b.sum / float64(b.n)
}

// last is the newest value that there is, of the last three points; NaN if
// there is none.
func (s span) last() float64 {
	for i := len(s.values) - 1; i >= max(0, len(s.values)-3); i-- {
		if !math.IsNaN(s.values[i]) {
			return s.values[i]
		}
	}
	return math.NaN()
}

// usual is the lower quartile: a change for the worse shows until it has lasted
// for three quarters of the time.
func (s span) usual() float64 {
	var all []float64
	for _, v := range s.values {
		if !math.IsNaN(v) {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return all[len(all)/4]
}

// with combines two spans of the same time, point by point, where both have
// values; where one has none, that of the other stays.
func (s span) with(o span, f func(a, b float64) float64) span {
	if len(s.values) == 0 {
		return o
	}
	out := span{start: s.start, step: s.step, values: make(data.Numbers, len(s.values))}
	copy(out.values, s.values)
	for i := range min(len(o.values), len(out.values)) {
		switch {
		case math.IsNaN(o.values[i]):
		case math.IsNaN(out.values[i]):
			out.values[i] = o.values[i]
		default:
			out.values[i] = f(out.values[i], o.values[i])
		}
	}
	return out
}

// plus adds another span of the same time.
func (s span) plus(o span) span {
	return s.with(o, func(a, b float64) float64 { return a + b })
}
