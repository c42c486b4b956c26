package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/control"
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

// TestBrokenRelease: a release whose workers exit as they start is tried now and
// then only, costs little meanwhile, and can be asked about it; and once it is
// mended, it serves.
func TestBrokenRelease(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newService(t, "-workers", "3", "-broken", broken)
	ctx := inTime(t, 150*time.Second)
	began := time.Now()
	tree, err := scenario.Start(s.command)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { check(t, tree.End(inTime(t, 20*time.Second))) }()
	var state prefork.State
	err = scenario.Await(ctx, tree, func(context.Context) error {
		if time.Since(began) < time.Minute && long() {
			return errors.New("a minute is not over")
		}
		state, err = s.ask(ctx)
		if err == nil && state.Phase != prefork.GroupCrashLooping {
			err = fmt.Errorf("the group is %q", state.Phase)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	used, took := cpuTime(t, s.command.Process.Pid), time.Since(began)
	starts := 0
	for _, d := range state.Deaths {
		if d.Role == prefork.WorkerRole {
			starts++
		}
	}
	t.Logf("%d starts in %v, %.1f %% of a core used by the supervisor: %s", starts, took.Round(time.Millisecond), 100*used.Seconds()/took.Seconds(), state.Why)
	if starts > 12 {
		t.Errorf("%d starts within %v; want at most 12", starts, took)
	}
	if long() && used > took/20 {
		t.Errorf("the supervisor has used %v of %v; want at most 5 %%", used, took)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	check(t, s.await(ctx, tree, "service once it is mended", allServe), s.get(ctx, "/fault/pid"))
}

// ask asks the supervisor itself, over its control socket.
func (s *service) ask(ctx context.Context) (state prefork.State, err error) {
	_, err = control.Ask(ctx, filepath.Join(s.dir, "control.sock"), control.Request{Do: "status"}, &state)
	return state, err
}

// cpuTime is what a process has used so far, by the kernel's account.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		var ran time.Duration
		if _, err := fmt.Sscan(string(text), &ran); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		sum += ran
	}
	return sum
}
