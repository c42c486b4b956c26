package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/scenario"
	"github.com/support-go/support/internal/strict"
	"github.com/support-go/support/prefork"
)

// long says whether to play scenarios at the length that gives figures.
func long() bool { return os.Getenv("SOAK_LONG") != "" }

// TestLeakingWorker is row 7: a worker leaks 50 MiB a second under load, again
// and again. Each time it is replaced before it hurts, and no client notices.
func TestLeakingWorker(t *testing.T) {
	times, mark := 2, int64(256<<20) // the race detector needs some itself
	if long() {
		times, mark = 20, 200<<20
	}
	s := newService(t, "-workers", "3", "-memory", fmt.Sprint(mark))
	if long() {
		calm(t)
	}
	peak, most := 0, 0
	report, err := scenario.Scenario{
		Command: s.command,
		Trial:   &strict.Trial{Loads: s.moderate()},
		Name:    "leak",
		Times:   times,
		Between: 200,
		Act: func(ctx context.Context, tree *scenario.Tree, n int) error {
			if err := s.await(ctx, tree, "all workers", allServe); err != nil {
				return err
			}
			if err := s.get(ctx, "/fault/leak"); err != nil {
				return err
			}
			return s.await(ctx, tree, "a cycle", func(state prefork.State) bool {
				for _, p := range state.Processes {
					peak = max(peak, highWater(p.PID))
				}
				most = max(most, len(state.Processes))
				return state.Cycles >= n && allServe(state) && len(state.Processes) == 4
			})
		},
	}.Run(inTime(t, 150*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cycles, %d answered, at most %.2f of the mark and %d processes", times, report.Total()[strict.Answered], float64(peak)*1024/float64(mark), most)
	for _, l := range report.Loads {
		t.Logf("%s: p50 %v, p99 %v, longest %v", l.Name, l.Latency.Quantile(0.5), l.Latency.Quantile(0.99), l.Latency.Max())
	}
	if most > 5 { // three workers, one more, and meta
		t.Errorf("%d processes at once; want at most 5", most)
	}
	if float64(peak)*1024 > 2*float64(mark) { // a busy machine may look late; docs/benchmarks.md has the figure
		t.Errorf("a worker used %d KiB at a mark of %d", peak, mark>>10)
	}
	check(t, report.L0Strict(), report.Closed(), report.AtLeast(20))
}

// moderate is a load that leaves the machine time for other things.
func (s *service) moderate() []strict.Load {
	rate := 100.0
	if long() {
		rate = 500
	}
	return []strict.Load{
		{Target: strict.Target{Addr: s.addr}, Mode: strict.Fresh, Conns: 4, Pace: strict.Pace{Rate: rate}},
		{Target: strict.Target{Addr: s.addr}, Mode: strict.Kept, Conns: 8, Pace: strict.Pace{Rate: 3 * rate}},
	}
}

// calm prints what clients see when nothing happens.
func calm(t *testing.T) {
	s := newService(t, "-workers", "3")
	report, err := scenario.Scenario{Command: s.command, Trial: &strict.Trial{Loads: s.moderate()}, Between: 10_000,
		Act: func(context.Context, *scenario.Tree, int) error { return nil },
	}.Run(inTime(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range report.Loads {
		t.Logf("without leaks, %s: p50 %v, p99 %v, longest %v", l.Name, l.Latency.Quantile(0.5), l.Latency.Quantile(0.99), l.Latency.Max())
	}
}

// highWater is the most memory that a process has used, in KiB; 0 if it has
// ended.
func highWater(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var n int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &n); err == nil {
			return n
		}
	}
	return 0
}

// TestCrashingHandler: a handler ends its process once in 10,000 requests. Only
// what the ledger brackets is lost, and there are workers nearly all the time.
func TestCrashingHandler(t *testing.T) {
	crashes, between := 3, int64(2000)
	if long() {
		crashes, between = 30, 10_000
	}
	s := newService(t, "-workers", "3")
	missing, looks := 0, 0
	var deaths []prefork.Death
	report, err := scenario.Scenario{
		Command: s.command,
		Trial: &strict.Trial{Loads: []strict.Load{
			{Target: strict.Target{Addr: s.addr}, Mode: strict.Fresh, Conns: 8, Pace: strict.Pace{Rate: 1500}},
			{Target: strict.Target{Addr: s.addr}, Mode: strict.Kept, Conns: 16, Pace: strict.Pace{Rate: 3500}},
		}},
		Name:    "crash",
		Times:   crashes,
		Between: between,
		Act: func(ctx context.Context, tree *scenario.Tree, n int) error {
			_ = s.get(ctx, "/fault/crash") // there is no answer
			return s.await(ctx, tree, "a replacement", func(state prefork.State) bool {
				looks++
				if len(workers(state)) < 2 {
					missing++
				}
				deaths = state.Deaths
				return allServe(state) && len(deaths) == n
			})
		},
	}.Run(inTime(t, 150*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	var least, most uint64
	for _, d := range deaths {
		least, most = least+d.LostLeast, most+d.LostMost
		if !strings.Contains(d.Panic, "crash on demand") || d.Expected {
			t.Errorf("death: %q, panic %q", d.Why, d.Panic)
		}
	}
	lost := uint64(report.Total().Lost())
	t.Logf("%d crashes, %d answered, clients lost %d, the ledger says %d to %d; fewer than 2 of 3 workers in %d of %d looks during the replacements",
		crashes, report.Total()[strict.Answered], lost, least, most, missing, looks)
	if lost > most {
		t.Errorf("clients lost %d, the ledger says at most %d", lost, most)
	}
	check(t, report.LK(int64(most)), report.AtLeast(20))
}
