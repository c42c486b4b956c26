package meta

import (
	"math"
	"strings"
	"time"

	"github.com/support-go/support/stats"
)

// track is the history of one process. Its memory is a ring of moments, the
// same for all lines.
type track struct {
	step    time.Duration
	keeps   plane
	last    int64 // number of the newest moment: Unix time by step
	at      []int64
	lines   map[string]*line
	touched time.Time
}

// line is one instrument. Its values lie one plane after the other.
type line struct {
	seen   int64 // moment
	since  time.Time
	base   stats.Value // what was known at the last look, without what differences do not need
	values []float32
}

// begin makes room for the moment now.
func (t *track) begin(now time.Time) {
	moment := now.UnixNano() / int64(t.step)
	t.touched = now
	if moment <= t.last {
		return
	}
	slot := int(moment) % len(t.at)
	t.at[slot] = moment
	t.last = moment
	for _, l := range t.lines {
		for p := range t.keeps {
			l.values[int(p)*len(t.at)+slot] = nothing()
		}
	}
}

func nothing() float32 { return float32(math.NaN()) }

func (t *track) line(id string) *line {
	l := t.lines[id]
	if l == nil {
		l = &line{values: make([]float32, int(t.keeps)*len(t.at))}
		for i := range l.values {
			l.values[i] = nothing()
		}
		t.lines[id] = l
	}
	l.seen = t.last
	return l
}

func (t *track) put(l *line, p plane, v float64) {
	if p < t.keeps {
		l.values[int(p)*len(t.at)+int(t.last)%len(t.at)] = float32(v)
	}
}

// drop forgets lines of which an hour has shown nothing.
func (t *track) drop() {
	for id, l := range t.lines {
		if t.last-l.seen > int64(len(t.at)) {
			delete(t.lines, id)
		}
	}
}

// note records how a value has changed since the last look.
func (t *track) note(l *line, v stats.Value, now time.Time) {
	seconds := now.Sub(l.since).Seconds()
	first := l.base == nil
	base := l.base
	l.since = now
	switch v := v.(type) {
	case stats.Count:
		l.base = v
		if old, ok := base.(stats.Count); ok && !first {
			t.put(l, perSecond, float64(max(0, v-old))/seconds)
		}
	case stats.Level:
		l.base = v
		t.put(l, level, float64(v))
	case stats.Greatest:
		l.base = v
		t.put(l, level, float64(v))
	case *stats.RateSnapshot:
		l.base = stats.Count(v.Ticks)
		if old, ok := base.(stats.Count); ok && !first {
			t.put(l, perSecond, float64(max(0, stats.Count(v.Ticks)-old))/seconds)
		}
	case *stats.CardinalitySnapshot:
		l.base = stats.Level(0)
		t.put(l, level, v.Estimate())
	case *stats.DistributionSnapshot:
		l.base = slim(v)
		if old, ok := base.(*stats.DistributionSnapshot); ok && !first && old.Count <= v.Count {
			t.distribution(l, v, old, seconds)
		}
	}
}

func (t *track) distribution(l *line, v, old *stats.DistributionSnapshot, seconds float64) {
	fresh := slim(v).Sub(old)
	t.put(l, perSecond, float64(fresh.Count)/seconds)
	t.put(l, level, fresh.Sum/seconds)
	if fresh.Count == 0 {
		return
	}
	t.put(l, p50, fresh.Quantile(0.5))
	t.put(l, p95, fresh.Quantile(0.95))
	t.put(l, p99, fresh.Quantile(0.99))
	t.put(l, highest, fresh.Quantile(0.9999))
}

// slim is what differences need of a distribution.
func slim(d *stats.DistributionSnapshot) *stats.DistributionSnapshot {
	return &stats.DistributionSnapshot{
		Moments: stats.Moments{Count: d.Count}, Sum: d.Sum, Min: d.Min, Max: d.Max,
		Zeros: d.Zeros, Positive: d.Positive, Negative: d.Negative,
	}
}

// seriesID names a series: http.requests{route=GET /}.
func seriesID(s stats.Series) string {
	if len(s.Labels) == 0 {
		return s.Name
	}
	var b strings.Builder
	b.WriteString(s.Name)
	for i, l := range s.Labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(l.Key)
		b.WriteByte('=')
		b.WriteString(l.Value)
	}
	b.WriteByte('}')
	return b.String()
}
