package procstats_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/support-go/support/stats"
	"github.com/support-go/support/stats/procstats"
)

// watch looks at the process until ready says so.
func watch(t *testing.T, ready func(stats.Snapshot) bool) stats.Snapshot {
	t.Helper()
	reg := new(stats.Registry)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- procstats.Watch{Every: 100 * time.Millisecond}.Run(ctx, reg) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ready(reg.Snapshot()) {
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("ended early: %v\n%v", err, reg)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want that of the context", err)
	}
	return reg.Snapshot()
}

func looks(s stats.Snapshot) uint64 {
	d, _ := s.Lookup("process.watch_seconds").(*stats.DistributionSnapshot)
	if d == nil {
		return 0
	}
	return d.Count
}

func TestFacts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the facts of other systems are fewer")
	}
	block := make(chan struct{})
	defer close(block)
	for range 50 {
		go func() { <-block }()
	}
	files := make([]*os.File, 20)
	for i := range files {
		var err error
		if files[i], err = os.Open(os.DevNull); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	runtime.GC()
	snap := watch(t, func(s stats.Snapshot) bool { return looks(s) >= 3 })
	levels := map[string][2]float64{
		"process.rss_bytes":       {1 << 20, 4 << 30},
		"process.pss_bytes":       {1 << 20, 4 << 30},
		"process.open_files":      {23, 500},
		"process.threads":         {2, 1000},
		"process.heap_bytes":      {1 << 10, 4 << 30},
		"process.heap_goal_bytes": {1 << 20, 4 << 30},
	}
	for name, between := range levels {
		got, _ := snap.Lookup(name).(stats.Level)
		if float64(got) < between[0] || float64(got) > between[1] {
			t.Errorf("%s is %v, want from %v to %v", name, got, between[0], between[1])
		}
	}
	if got, _ := snap.Lookup("process.max_files").(stats.Greatest); got < 24 {
		t.Errorf("at most %v files can be open, with 23 that are", got)
	}
	if got, _ := snap.Lookup("process.goroutines", "state", "waiting").(stats.Level); got < 50 {
		t.Errorf("%v goroutines wait, want at least 50", got)
	}
	for _, kind := range []string{"voluntary", "involuntary"} {
		if _, ok := snap.Lookup("process.context_switches", "kind", kind).(stats.Count); !ok {
			t.Errorf("there is no count of %s context switches", kind)
		}
	}
	if got, _ := snap.Lookup("process.faults", "kind", "minor").(stats.Count); got < 100 {
		t.Errorf("%v minor faults, want at least 100", got)
	}
	if got, _ := snap.Lookup("process.gc_cycles").(stats.Count); got < 1 {
		t.Errorf("%v collections, want at least 1", got)
	}
	for _, name := range []string{"process.cpu_user_seconds", "process.sched_latency_seconds", "process.gc_pause_seconds", "process.gc_cpu_seconds"} {
		if d, _ := snap.Lookup(name).(*stats.DistributionSnapshot); d == nil || d.Count == 0 || d.Min.Value < 0 {
			t.Errorf("%s is %+v, want values", name, d)
		}
	}
}

// TestLookingIsCheap allows a look 5 ms at the median, many times what it
// takes, since the machine may be busy.
func TestLookingIsCheap(t *testing.T) {
	snap := watch(t, func(s stats.Snapshot) bool { return looks(s) >= 10 })
	cost := snap.Lookup("process.watch_seconds").(*stats.DistributionSnapshot)
	t.Logf("a look takes %.0f us, the first, with PSS, %.0f", 1e6*cost.Quantile(0.5), 1e6*cost.Max.Value)
	if cost.Quantile(0.5) > 0.005 {
		t.Errorf("a look takes %v s", cost.Quantile(0.5))
	}
}

func ExampleWatch() {
	var reg stats.Registry
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // one look is taken all the same
	err := procstats.Watch{}.Run(ctx, &reg)
	d := reg.Distribution("process.watch_seconds").Snapshot()
	fmt.Println(d.Count, err)
	// Output: 1 context canceled
}
