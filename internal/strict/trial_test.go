//go:build unix

package strict_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/internal/strict"
)

// TestLatencyFromDue sends twenty requests that are due each millisecond and
// take five: the last has waited for all the others, and must say so.
func TestLatencyFromDue(t *testing.T) {
	for _, mode := range []strict.Mode{strict.Fresh, strict.Kept, strict.HTTP2} {
		report := run(t, context.Background(), strict.Load{
			Mode: mode, Target: target(t, "tcp", &strict.Echo{}), Conns: 1, Streams: 1,
			Pace: strict.Pace{Rate: 1000}, Ask: strict.Ask{Delay: 5 * time.Millisecond}, Limits: strict.Limits{Requests: 20},
		})
		if got, atLeast := report.Loads[0].Latency.Max(), (20*5-19)*time.Millisecond; got < atLeast {
			t.Errorf("%v: longest latency is %v, want at least %v", mode, got, atLeast)
		}
	}
}

// TestSorted has two kinds of answers, of which one is slow: that requests are
// late because of it does not count against the other.
func TestSorted(t *testing.T) {
	for _, mode := range []strict.Mode{strict.Fresh, strict.Kept} {
		echo, n := &strict.Echo{}, atomic.Int64{}
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 1 {
				w.Header().Set("X-Kind", "slow")
				r.URL.RawQuery = "delay=500ms"
			}
			echo.ServeHTTP(w, r)
		})
		report := run(t, context.Background(), strict.Load{
			Mode: mode, Target: target(t, "tcp", handler), Conns: 1,
			Pace: strict.Pace{Rate: 1000}, Ask: strict.Ask{Sort: "x-kind"}, Limits: strict.Limits{Requests: 20},
		})
		sorted := report.Loads[0].Sorted
		if len(sorted) != 2 || sorted["slow"] == nil || sorted[""] == nil {
			t.Fatalf("%v: kinds of answers: %v", mode, sorted)
		}
		if slow := sorted["slow"]; slow.Count() != 1 || slow.Max() < 500*time.Millisecond {
			t.Errorf("%v: %d slow answers, the slowest after %v", mode, slow.Count(), slow.Max())
		}
		if quick := sorted[""]; quick.Count() != 19 || quick.Quantile(0.5) > 400*time.Millisecond {
			t.Errorf("%v: %d quick answers, half of them after more than %v", mode, quick.Count(), quick.Quantile(0.5))
		}
	}
}

// TestEndOfContext ends a trial while every connection waits for an answer:
// these answers still count, and no request follows.
func TestEndOfContext(t *testing.T) {
	const conns = 4
	for _, mode := range []strict.Mode{strict.Fresh, strict.Kept, strict.HTTP2} {
		ctx, cancel := context.WithCancel(context.Background())
		arrived := make(chan struct{}, conns)
		echo := &strict.Echo{}
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-ctx.Done()
			echo.ServeHTTP(w, r)
		})
		tgt := target(t, "tcp", handler)
		go func() {
			for range conns {
				<-arrived
			}
			cancel()
		}()
		report := run(t, ctx, strict.Load{Mode: mode, Target: tgt, Conns: conns, Streams: 1})
		if got, want := report.Total(), (strict.Counts{strict.Answered: conns}); got != want {
			t.Errorf("%v: got %v, want %v", mode, got, want)
		}
	}
}

// TestIdleEndsWithContext ends a trial while its connections pause.
func TestIdleEndsWithContext(t *testing.T) {
	for _, mode := range []strict.Mode{strict.Kept, strict.HTTP2} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		report := run(t, ctx, strict.Load{Mode: mode, Target: target(t, "tcp", &strict.Echo{}), Pace: strict.Pace{Idle: time.Hour}})
		cancel()
		if report.Elapsed > 10*time.Second || report.Total().Offered() != 0 {
			t.Errorf("%v: %v after %v, want nothing and the end of the context", mode, report.Total(), report.Elapsed)
		}
	}
}

// TestTrialSeenFromOutside marks and counts while it runs.
func TestTrialSeenFromOutside(t *testing.T) {
	trial := &strict.Trial{Seed: 0x5eed, Loads: []strict.Load{{Mode: strict.Kept, Target: target(t, "tcp", &strict.Echo{}), Limits: strict.Limits{Timeout: patience}}}}
	trial.Mark("before")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		await(ctx, trial, 100)
		trial.Mark("after 100")
		cancel()
	}()
	report, err := trial.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	check(t, report.AtLeast(100))
	if got := trial.Count(strict.Answered); got != report.Total()[strict.Answered] {
		t.Errorf("Count says %d, the report %v", got, report.Total())
	}
	if len(report.Marks) != 2 || report.Marks[0].At >= 0 || report.Marks[1].At <= 0 || report.Marks[1].At > report.Elapsed {
		t.Errorf("marks %v in a trial of %v", report.Marks, report.Elapsed)
	}
	var sum strict.Counts
	for _, slot := range report.Loads[0].Timeline.Slots {
		sum.Add(slot.Counts)
	}
	if sum != report.Total() {
		t.Errorf("timeline holds %v, the report %v", sum, report.Total())
	}
	if _, err := trial.Run(ctx); err == nil || !strings.Contains(err.Error(), "runs once") {
		t.Errorf("a second run: got %v", err)
	}
}
