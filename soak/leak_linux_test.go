package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/scenario"
	"github.com/support-go/support/internal/strict"
)

// long says whether to play scenarios at the length that gives figures.
func long() bool { return os.Getenv("SOAK_LONG") != "" }

// leakage is a service of three workers under a moderate load, of which one may
// leak 50 MiB a second.
type leakage struct {
	name  string
	flags []string
	leak  string // what to ask for so that a worker leaks; "": nothing
	times int    // how often to wait for it to be cycled

	// What was seen.
	report *strict.Report
	peak   int // most memory of a worker, in KiB
	most   int // most processes at once
}

func (l *leakage) play(t *testing.T) {
	t.Helper()
	s := newService(t, append(l.flags, "-workers", "3")...)
	script := scenario.Scenario{Command: s.command, Trial: &strict.Trial{Loads: s.moderate()}, Name: "leak", Times: max(l.times, 1), Between: 200}
	if l.times == 0 && long() {
		script.Between = 6000 // before and after the act: six seconds
	}
	script.Act = func(ctx context.Context, tree *scenario.Tree, n int) error {
		if err := s.await(ctx, tree, "all workers", allServe); err != nil || l.leak == "" {
			return err
		}
		if err := s.get(ctx, l.leak); err != nil || l.times == 0 {
			return err
		}
		return l.awaitCycle(ctx, s, tree, n)
	}
	var err error
	if l.report, err = script.Run(inTime(t, 150*time.Second)); err != nil {
		t.Fatal(err)
	}
}

// awaitCycle waits for the n-th cycle and watches the workers meanwhile. It
// asks for the state now and then only, which is work for the group as well.
func (l *leakage) awaitCycle(ctx context.Context, s *service, tree *scenario.Tree, n int) error {
	const askEvery = 20 // looks
	var pids []int
	looks := 0
	return scenario.Await(ctx, tree, func(ctx context.Context) error {
		for _, pid := range pids {
			l.peak = max(l.peak, highWater(pid))
		}
		if looks++; looks%askEvery != 0 {
			return errors.New("a cycle is due")
		}
		state, err := s.state(ctx)
		if err != nil {
			return err
		}
		pids = pids[:0]
		for _, p := range state.Processes {
			pids = append(pids, p.PID)
		}
		l.most = max(l.most, len(pids))
		if state.Cycles < n || !allServe(state) || len(pids) != 4 {
			return fmt.Errorf("%d cycles, phase %q, processes %+v", state.Cycles, state.Phase, state.Processes)
		}
		return nil
	})
}

// moderate is a load that leaves the machine time for other things.
func (s *service) moderate() []strict.Load {
	rate := 100.0
	if long() {
		rate = 500
	}
	ask := strict.Ask{Sort: leaking}
	return []strict.Load{
		{Target: strict.Target{Addr: s.addr}, Mode: strict.Fresh, Conns: 4, Pace: strict.Pace{Rate: rate}, Ask: ask},
		{Target: strict.Target{Addr: s.addr}, Mode: strict.Kept, Conns: 8, Pace: strict.Pace{Rate: 3 * rate}, Ask: ask},
	}
}

// TestLeakingWorker is row 7: a worker leaks 50 MiB a second under load, again
// and again. Each time it is replaced before it hurts, and no client notices.
func TestLeakingWorker(t *testing.T) {
	times, rounds, mark := 2, 1, int64(256<<20) // the race detector needs some itself
	if long() {
		times, rounds, mark = 5, 4, 200<<20
	}
	tables := map[string]*leakTable{}
	for range rounds {
		cycled := leakage{name: "leaks and is cycled", flags: []string{"-memory", fmt.Sprint(mark)}, leak: "/fault/leak", times: times}
		cycled.play(t)
		note(tables, cycled)
		t.Logf("%d cycles, %d answered, at most %.2f of the mark and %d processes",
			times, cycled.report.Total()[strict.Answered], float64(cycled.peak)*1024/float64(mark), cycled.most)
		if cycled.most > 5 { // three workers, one more, and meta
			t.Errorf("%d processes at once; want at most 5", cycled.most)
		}
		if float64(cycled.peak)*1024 > 2*float64(mark) { // a busy machine may look late; docs/benchmarks.md has the figure
			t.Errorf("a worker used %d KiB at a mark of %d", cycled.peak, mark>>10)
		}
		check(t, cycled.report.L0Strict(), cycled.report.Closed(), cycled.report.AtLeast(20))
		if long() {
			calm := leakage{name: "nothing happens", flags: []string{"-memory", "-1"}}
			calm.play(t)
			note(tables, calm)
		}
	}
	tell(t, tables)
}

// TestLeaksApart tells apart what clients see of a leak and of cycling, each
// without the other, in turns.
func TestLeaksApart(t *testing.T) {
	if !long() {
		t.Skip("gives figures only; SOAK_LONG=1")
	}
	tables := map[string]*leakTable{}
	for range 5 {
		for _, l := range []leakage{
			{name: "nothing happens", flags: []string{"-memory", "-1"}},
			{name: "leaks and gives back", flags: []string{"-memory", "-1"}, leak: "/fault/leak?most=180"},
			{name: "cycled by age", flags: []string{"-memory", "-1", "-age", "3s"}},
		} {
			l.play(t)
			note(tables, l)
			check(t, l.report.L0Strict())
		}
	}
	tell(t, tables)
}

// leakTable has the quantiles of every round, by load and by who answered.
type leakTable struct{ p50, p99, p999, longest []time.Duration }

func (table *leakTable) add(l *strict.Latency) {
	table.p50 = append(table.p50, l.Quantile(0.5))
	table.p99 = append(table.p99, l.Quantile(0.99))
	table.p999 = append(table.p999, l.Quantile(0.999))
	table.longest = append(table.longest, l.Max())
}

// note adds what was seen: as due, and from the beginning of each request by the
// kind of worker that has answered.
func note(tables map[string]*leakTable, l leakage) {
	add := func(name string, latency *strict.Latency) {
		if tables[name] == nil {
			tables[name] = new(leakTable)
		}
		tables[name].add(latency)
	}
	for _, load := range l.report.Loads {
		name := load.Name + ", " + l.name
		add(name, &load.Latency)
		for value, latency := range load.Sorted {
			add(name+map[bool]string{true: ", the others", false: ", the one that leaks"}[value == ""], latency)
		}
	}
}

// tell prints medians over the rounds, and all the p99.
func tell(t *testing.T, tables map[string]*leakTable) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		table := tables[name]
		fmt.Fprintf(&text, "\n%-45s p50 %v p99 %v p99.9 %v longest %v; p99 of each round %v", name,
			middle(table.p50), middle(table.p99), middle(table.p999), slices.Max(table.longest).Round(time.Millisecond), table.p99)
	}
	t.Log(text.String())
}

func middle(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2].Round(10 * time.Microsecond)
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
