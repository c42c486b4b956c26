package meta

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/stats"
)

// The last hour: of the group each 10 s, of each process each 15 s.
const (
	beat        = 5 * time.Second
	groupStep   = 2 * beat
	processStep = 3 * beat
	kept        = time.Hour
)

// plane is one of the numbers that are kept of an instrument.
type plane int

// What is kept: of counters the rate, of gauges the level, of distributions
// all, of a process those that its rows and charts show.
const (
	perSecond plane = iota // values, or what was counted, a second
	level                  // of a gauge; of a distribution the sum of its values, a second
	p50
	p99
	p95
	highest
	planes
	ofProcess = p95 // how many are kept of a process
)

// history is the last hour of all instruments.
type history struct {
	mu     sync.Mutex
	tracks map[string]*track // by process; the group's has no name
	counts map[int]float64   // requests ended, by process id, at the last look
	began  time.Time
}

func newHistory() *history {
	return &history{tracks: make(map[string]*track), counts: make(map[int]float64)}
}

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

// run looks until ctx ends.
func (h *history) run(ctx context.Context, a *app) error {
	h.mu.Lock()
	h.began = time.Now()
	h.mu.Unlock()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for n := 0; ; n++ {
		h.look(ctx, a, time.Now(), n)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look records what there is now. Of nothing that could be asked there is a
// gap.
func (h *history) look(ctx context.Context, a *app, now time.Time, n int) {
	ctx, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	g, err := a.group(ctx)
	if err == nil {
		h.countRequests(g, now, n)
	}
	if a.Stats == nil {
		return
	}
	if n%int(groupStep/beat) == 0 {
		if s, err := a.counted(ctx, ""); err == nil {
			h.record("", s, now, groupStep, planes)
		}
	}
	if n%int(processStep/beat) != 0 {
		return
	}
	for _, p := range g.Processes {
		if s, err := a.Stats(ctx, p.Name); err == nil && p.PID != 0 {
			h.record(p.Name, s, now, processStep, ofProcess)
		}
	}
	h.forget(now)
}

// requestsLine is the name of the line of requests by the ledger, which needs no
// instrument.
const requestsLine = "(requests)"

func (h *history) countRequests(g Group, now time.Time, n int) {
	if n%int(groupStep/beat) != 0 {
		return
	}
	h.mu.Lock()
	total := 0.0
	counts := make(map[int]float64)
	for _, p := range g.Processes {
		if p.Serves {
			counts[p.PID] = p.Requests
			if last, ok := h.counts[p.PID]; ok {
				total += max(0, p.Requests-last)
			}
		}
	}
	h.counts = counts
	h.mu.Unlock()
	if len(counts) > 0 && n > 0 {
		h.mu.Lock()
		defer h.mu.Unlock()
		t := h.track("", groupStep, planes)
		t.begin(now)
		t.put(t.line(requestsLine), perSecond, total/groupStep.Seconds())
	}
}

// forget drops processes of which nothing has been heard for an hour.
func (h *history) forget(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, t := range h.tracks {
		if now.Sub(t.touched) > kept {
			delete(h.tracks, name)
		}
	}
}

func (h *history) track(name string, step time.Duration, keeps plane) *track {
	t := h.tracks[name]
	if t == nil {
		t = &track{step: step, keeps: keeps, at: make([]int64, kept/step), lines: make(map[string]*line)}
		h.tracks[name] = t
	}
	return t
}

func (h *history) record(name string, s stats.Snapshot, now time.Time, step time.Duration, keeps plane) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.track(name, step, keeps)
	t.begin(now)
	for _, series := range s.Series {
		t.note(t.line(seriesID(series)), series.Value, now)
	}
	for id, v := range sums(s) {
		t.note(t.line(id), v, now)
	}
	t.drop()
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

// age is how long the history has been kept; 0 if it is not.
func (h *history) age() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.began.IsZero() {
		return 0
	}
	return time.Since(h.began)
}
