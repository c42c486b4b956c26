package meta

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/stats"
)

// resets are the statistics that pages show from a moment on. What the program
// counts is not touched: whoever else reads it, such as Prometheus, sees no
// break.
type resets struct {
	mu  sync.Mutex
	all map[string]map[string]baseline // by process and series
}

// baseline is what a series had counted when it was reset.
type baseline struct {
	at     time.Time
	series stats.Series
}

// resetCommand lets pages show a statistic as if it began now.
func (a *app) resetCommand() Command {
	return Command{
		Name: "reset-statistic", Where: Here, Button: &Button{Title: "Reset a statistic"},
		Help:   "These pages show the statistic, with all its labels, as if it had begun to count now, to everybody who looks. /metrics and what is exported go on as before, and so do the charts of the last hour.",
		Inputs: []data.Input{{Name: "name", Title: "Name of the statistic, as on the page Stats", Required: true}},
		Run:    func(ctx context.Context, call Call) (any, error) { return a.reset(ctx, call.Text("name")) },
	}
}

// reset notes what has been counted so far, of the group and of each process.
func (a *app) reset(ctx context.Context, name string) (string, error) {
	processes := []string{""}
	if g, err := a.group(ctx); err == nil {
		for _, p := range g.Processes {
			processes = append(processes, p.Name)
		}
	}
	n := 0
	for _, process := range processes {
		s, err := a.counted(ctx, process)
		if err != nil && process == "" {
			return "", err
		}
		found, err := a.resets.note(process, name, s)
		if err != nil {
			return "", err
		}
		if process == "" {
			n = found
		}
	}
	if n == 0 {
		return "", fmt.Errorf("nothing is counted as %q: the page Stats has all names", clippedName(name))
	}
	return fmt.Sprintf("%s counts from now on here, in %d series", name, n), nil
}

// note remembers all series of a name, and says how many they are.
func (r *resets) note(process, name string, s stats.Snapshot) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, series := range s.Series {
		if series.Name != name {
			continue
		}
		if _, ok := weight(series.Value); !ok {
			return 0, fmt.Errorf("%s is a %v: what it shows does not grow with what was counted, and so cannot begin anew", name, series.Value.Kind())
		}
		if r.all == nil {
			r.all = make(map[string]map[string]baseline)
		}
		if r.all[process] == nil {
			r.all[process] = make(map[string]baseline)
		}
		r.all[process][seriesID(series)] = baseline{time.Now(), series}
		n++
	}
	return n, nil
}

// since says from when on a series counts; the zero time is that of its start.
func (r *resets) since(process, id string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[process][id].at
}

// apply takes off what was counted before.
func (r *resets) apply(process string, s stats.Snapshot) stats.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	bases := r.all[process]
	if len(bases) == 0 {
		return s
	}
	s.Series = slices.Clone(s.Series)
	for i, series := range s.Series {
		id := seriesID(series)
		base, ok := bases[id]
		if !ok {
			continue
		}
		now, _ := weight(series.Value)
		then, _ := weight(base.series.Value)
		if now < then { // another process has this name now
			delete(bases, id)
			continue
		}
		s.Series[i].Value = counted(series, base.series)
	}
	return s
}

// weight is how much a value has counted, if it counts.
func weight(v stats.Value) (n float64, counts bool) {
	switch v := v.(type) {
	case stats.Count:
		return float64(v), true
	case *stats.RateSnapshot:
		return float64(v.Ticks), true
	case *stats.DistributionSnapshot:
		return float64(v.Count), true
	case *stats.StatesSnapshot:
		for _, m := range v.Moves {
			n += float64(m.Count)
		}
		return n, true
	case *stats.TopSnapshot:
		return float64(v.Total), true
	}
	return 0, false
}

// counted is what has been added to base.
func counted(now, base stats.Series) stats.Value {
	switch v := now.Value.(type) {
	case stats.Count:
		return v - base.Value.(stats.Count)
	case *stats.RateSnapshot:
		old := base.Value.(*stats.RateSnapshot)
		r := v.Sub(old)
		r.First = old.Last
		return r
	case *stats.TopSnapshot:
		return v.Sub(base.Value.(*stats.TopSnapshot))
	case *stats.DistributionSnapshot:
		d := v.Sub(base.Value.(*stats.DistributionSnapshot))
		if d.Count > 0 { // those that Sub gives are of all values; these are right to 1.1 %
			d.Min.Value, d.Max.Value = d.Quantile(1e-12), d.Quantile(1-1e-12)
		}
		return d
	case *stats.StatesSnapshot:
		s := v.Sub(base.Value.(*stats.StatesSnapshot))
		for i := range s.States {
			s.States[i].Present = v.State(s.States[i].Name).Present
		}
		return s
	}
	return now.Value
}
