package support

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/support-go/support/prefork"
	"github.com/support-go/support/stats"
	"github.com/support-go/support/stats/procstats"
	"github.com/support-go/support/stats/promstats"
	"github.com/support-go/support/stats/reports"
)

// totals are the statistics of the whole group.
type totals func(ctx context.Context) (stats.Snapshot, error)

// own are those of a group in one process.
func (g *Group) own(context.Context) (stats.Snapshot, error) { return g.Stats.Snapshot(), nil }

// background runs each function until stop is called, which waits for all of
// them and may be called again.
func background(run ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, f := range run {
		running.Go(func() { f(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// keepTime runs the clock of the statistics.
func (g *Group) keepTime(ctx context.Context) { _ = g.Stats.Run(ctx) } // its error is that ctx has ended

// watchProcess records facts about this process.
func (g *Group) watchProcess(ctx context.Context) {
	if err := (procstats.Watch{}).Run(ctx, &g.Stats); err != nil && ctx.Err() == nil {
		g.logger().Error("process facts are missing from the statistics", "error", err)
	}
}

// report passes on what a child of a supervisor counts, if somebody shows it.
func (g *Group) report(w *prefork.Worker) func(context.Context) {
	return func(ctx context.Context) {
		if len(g.admin) > 0 && w.Dir() != "" {
			reports.Send(ctx, &g.Stats, meeting(w), g.logger().With("worker", w.Slot()))
		}
	}
}

// meeting is where the processes of one supervisor report to. Its name does not
// give the secret away.
func meeting(w *prefork.Worker) reports.Place {
	secret := w.Secret()
	digest := sha256.Sum256(secret[:])
	return reports.Place{Dir: w.Dir(), Run: hex.EncodeToString(digest[:4])}
}

// collection is what the meta process knows of all others' statistics.
type collection struct {
	collector *reports.Collector // nil without a directory
	stop      func()             // leaves it to a successor; may be called again
}

func (g *Group) collect(w *prefork.Worker) collection {
	if w.Dir() == "" {
		return collection{stop: func() {}}
	}
	collector := reports.New(meeting(w), &g.Stats, g.logger())
	return collection{collector, background(func(ctx context.Context) {
		if err := collector.Run(ctx); err != nil {
			g.logger().Error("statistics of ended workers are lost", "error", err)
		}
	})}
}

func (c collection) totals(ctx context.Context) (stats.Snapshot, error) {
	if c.collector == nil {
		return stats.Snapshot{}, errors.New("support: without a runtime directory workers cannot report their statistics: set Dir")
	}
	return c.collector.Snapshot(ctx)
}

// process is what one process has reported.
func (c collection) process(pid int) (stats.Snapshot, bool) {
	if c.collector == nil {
		return stats.Snapshot{}, false
	}
	return c.collector.Process(pid)
}

// discard is for the last meta process of a group.
func (c collection) discard() {
	if c.collector != nil {
		c.collector.Discard()
	}
}

// metrics answers scrapes of Prometheus. What cannot be exported, such as a
// name that is one kind in the one worker and another in the next, it logs and
// leaves out: the rest is worth more than an error.
func (g *Group) metrics(sum totals) http.Handler {
	s := &scrape{group: g, sum: sum, turn: make(chan struct{}, 1)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		families, err := s.gather(r.Context())
		if len(families) == 0 {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		gathered := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, nil })
		promhttp.HandlerFor(gathered, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	})
}

// scrape gathers what Prometheus wants, one client at a time, since each makes
// a copy of all there is.
type scrape struct {
	group *Group
	sum   totals
	turn  chan struct{} // has room for the one whose turn it is

	problem string // of the last one whose turn it was
}

// gather returns all that can be exported; nothing only beside an error.
func (s *scrape) gather(ctx context.Context) ([]*dto.MetricFamily, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	snap, err := s.sum(ctx)
	if err != nil && len(snap.Series) == 0 {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&promstats.Collector{
		Snapshot: func() (stats.Snapshot, error) { return snap, nil },
		Help:     s.group.Stats.Help,
	})
	families, failed := registry.Gather()
	s.note(errors.Join(err, failed))
	return families, failed
}

// note logs what is wrong, if it is not what was wrong the last time.
func (s *scrape) note(err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	if problem != "" && problem != s.problem {
		s.group.logger().Error("metrics are incomplete", "error", err)
	}
	s.problem = problem
}
