//go:build linux || darwin

package offload_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/support-go/support/offload"
)

func TestCycle(t *testing.T) {
	tests := map[string]struct {
		cycle offload.Cycle
		size  int // each job makes the helper grow
		every int // so many jobs have one helper
	}{
		"count":  {offload.Cycle{Jobs: 2}, 0, 2},
		"age":    {offload.Cycle{Age: time.Nanosecond}, 0, 1},
		"never":  {offload.Cycle{}, 0, 6},
		"within": {offload.Cycle{Jobs: 100, Age: time.Hour, Memory: 8 << 30}, 0, 6},
	}
	if fileExists("/proc/self/statm") {
		tests["memory"] = struct {
			cycle offload.Cycle
			size  int
			every int
		}{offload.Cycle{Memory: 200 << 20}, 250 << 20, 1}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := served(t, &offload.Process{Size: 1, Cycle: test.cycle})
			pids := make(map[int]int)
			job := func() bool {
				pid, err := f.grow.Do(t.Context(), test.size)
				if err != nil {
					t.Fatal(err)
				}
				pids[pid]++
				return len(pids) >= 3
			}
			if test.every == 6 {
				for range 6 {
					job()
				}
			} else {
				eventually(t, "helpers are not replaced", job)
			}
			if test.every == 6 && len(pids) > 1 {
				t.Errorf("six jobs had %d helpers, want one", len(pids))
			}
			present := lastOf(pids, f, t)
			for pid, jobs := range pids {
				if jobs < test.every && pid != present {
					t.Errorf("helper %d had %d jobs, want %d at least", pid, jobs, test.every)
				}
				if pid != present {
					eventually(t, "a helper that was replaced is still there", func() bool { return !exists(pid) })
				}
			}
		})
	}
}

// TestReplacementIsReadyFirst has the new helper take its time: jobs do not wait
// for it.
func TestReplacementIsReadyFirst(t *testing.T) {
	f := served(t, &offload.Process{Size: 1, Cycle: offload.Cycle{Jobs: 2}})
	job := func() int {
		pid, err := f.pid.Do(t.Context(), struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	old := job()
	hold := filepath.Join(t.TempDir(), "go")
	t.Setenv(holdVariable, hold) // of those that are started from now on
	for range 20 {
		if pid := job(); pid != old {
			t.Fatalf("helper %d has the job, want %d while the new one is not ready", pid, old)
		}
	}
	if err := os.WriteFile(hold, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new helper does not take over", func() bool { return job() != old })
	eventually(t, "the old helper does not go", func() bool { return !exists(old) })
}

// lastOf returns the helper that runs now.
func lastOf(pids map[int]int, f functions, t *testing.T) int {
	t.Helper()
	pid, err := f.pid.Do(t.Context(), struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, known := pids[pid]; !known {
		return 0
	}
	return pid
}
