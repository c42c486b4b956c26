//go:build linux || darwin

package offload_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
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

// TestOneIsReplacedAtATime has three helpers due together.
func TestOneIsReplacedAtATime(t *testing.T) {
	if !fileExists("/proc/self/environ") {
		t.Skip("no system to see other processes by")
	}
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	waiting := func(file string) (n int) {
		processes, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, path := range processes {
			if environ, _ := os.ReadFile(path); bytes.Contains(environ, []byte(holdVariable+"="+file+"\x00")) {
				n++
			}
		}
		return n
	}
	f := served(t, &offload.Process{Size: 3, Cycle: offload.Cycle{Jobs: 1}})
	old := make([]int, 3)
	jobs := func(pids []int) *sync.WaitGroup {
		var all sync.WaitGroup
		for i := range pids {
			all.Go(func() {
				pid, err := f.pid.Do(t.Context(), struct{}{})
				if err != nil {
					t.Error(err)
				}
				pids[i] = pid
			})
		}
		return &all
	}
	t.Setenv(holdVariable, first)
	all := jobs(old)
	eventually(t, "there are not three helpers", func() bool { return waiting(first) == 3 })
	t.Setenv(holdVariable, second)
	release := func(file string) {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	release(first)
	all.Wait()
	if n := waiting(second); n != 1 {
		t.Errorf("%d helpers are being replaced, want 1", n)
	}
	release(second)
	left := func() (n int) {
		for _, pid := range old {
			if exists(pid) {
				n++
			}
		}
		return n
	}
	eventually(t, "a helper without a job is not replaced", func() bool { return left() == 2 })
	eventually(t, "the others are not replaced", func() bool {
		jobs(make([]int, 3)).Wait()
		return left() == 0
	})
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
