package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/scenario"
	"github.com/support-go/support/internal/strict"
	"github.com/support-go/support/prefork"
)

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
