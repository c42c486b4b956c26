package meta

import (
	"context"
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

// age is how long the history has been kept; 0 if it is not.
func (h *history) age() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.began.IsZero() {
		return 0
	}
	return time.Since(h.began)
}
