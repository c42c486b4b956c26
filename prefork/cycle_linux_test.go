package prefork_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/prefork"
)

const mib = 1 << 20

// TestMarks: a worker that passes one goes, for that reason, and one that is
// ready is there before.
func TestMarks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		marks prefork.Cycling
		under []string
		ask   string
		why   string
	}{
		"memory": {prefork.Cycling{Memory: 256 * mib}, nil, "leak 300", "its mark is 256.0 MiB"},
		"files":  {prefork.Cycling{Sustained: 500 * time.Millisecond}, []string{"prlimit", "--nofile=200"}, "open 185", "files open of 200"},
		"age":    {prefork.Cycling{Age: 3 * time.Second}, nil, "pid", "its mark is 3s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.Limits.Cycling, p.under = tt.marks, tt.under
			p.serve()
			_, _ = p.ask(tt.ask) // the worker may be gone before it answers
			state := p.await("cycled", func(s prefork.State) bool { return s.Cycles > 0 })
			d := state.Deaths[0]
			if !strings.Contains(d.Why, tt.why) || !d.Expected || d.Vitals.Memory == 0 || d.Vitals.MaxFiles == 0 || d.Exit != (prefork.Exit{}) {
				t.Errorf("death: %q, expected %v, %v, vitals %+v; want %q in it", d.Why, d.Expected, d.Exit, d.Vitals, tt.why)
			}
			if name == "memory" && d.Vitals.Measure != prefork.PSS {
				t.Errorf("memory is measured as %q, want %q", d.Vitals.Measure, prefork.PSS)
			}
			if log := p.log.String(); !strings.Contains(log, "worker is cycled") || !strings.Contains(log, tt.why) {
				t.Error("the reason is not in the log")
			}
			p.stop()
		})
	}
}

// cycle has a worker pass its memory mark, and returns when its replacement has
// been started. That is slow to get ready until p.behave("").
func (p *program) cycle() prefork.State {
	p.t.Helper()
	p.behave("slow")
	_, _ = p.ask("leak 300")
	return p.await("a cycle has begun", func(s prefork.State) bool { return s.Cycle != nil && len(pids(s, prefork.Starting)) == 1 })
}

// TestReloadDuringACycle: the cycle comes to its end first, and there is never more
// than one worker too many.
func TestReloadDuringACycle(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Cycling = prefork.Cycling{Memory: 256 * mib}
	p.serve()
	replacement := p.cycle().Cycle.Replacement
	reloaded := make(chan error, 1)
	go func() { reloaded <- p.control("reload", nil) }()
	p.await("a reload waits", func(s prefork.State) bool { return s.Reload != nil && s.Cycle != nil })
	p.behave("")
	most := 0
	state := p.await("both are done", func(s prefork.State) bool {
		most = max(most, len(pids(s, prefork.Starting, prefork.Serving)))
		return s.Cycles == 1 && s.Reload == nil && serving(s) && len(s.Processes) == 2
	})
	if err := <-reloaded; err != nil || most > 3 {
		t.Errorf("reload: %v; at most %d workers at once, want 3", err, most)
	}
	for _, q := range state.Processes {
		if q.Generation != 2 || q.Serial <= replacement {
			t.Errorf("after the reload there is process %d of generation %d", q.Serial, q.Generation)
		}
	}
	p.stop()
}

// TestMarksChangedDuringACycle: it comes to its end, and what is replaced next is
// up to the new marks.
func TestMarksChangedDuringACycle(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Cycling = prefork.Cycling{Memory: 256 * mib}
	p.serve()
	p.cycle()
	p.signal(syscall.SIGUSR2)
	p.prints("marks raised: <nil>")
	p.behave("")
	p.await("cycled", func(s prefork.State) bool { return s.Cycles == 1 && serving(s) && len(s.Processes) == 2 })
	p.must("leak 300")
	state := p.await("it is seen", func(s prefork.State) bool {
		return slices.ContainsFunc(s.Processes, func(q prefork.Process) bool { return q.Vitals.Memory > 290*mib })
	})
	if state.Cycle != nil || state.Cycles != 1 || state.Cycling.Memory != 1<<30 {
		t.Errorf("cycle %+v after %d, with the mark %d", state.Cycle, state.Cycles, state.Cycling.Memory)
	}
	p.stop()
}

// TestCollectorBelowTheMark: a GOMEMLIMIT below the mark is said.
func TestCollectorBelowTheMark(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Cycling = prefork.Cycling{Memory: 256 * mib}
	p.env = []string{"GOMEMLIMIT=200MiB"}
	p.serve()
	p.prints("GOMEMLIMIT is 200.0 MiB")
	p.signal(syscall.SIGUSR2)
	p.prints("Limits.Cycling.Memory is 1024.0 MiB")
	p.stop()
}

// TestMarksThatCannotBe are refused at the start, with the figure to change.
func TestMarksThatCannotBe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		marks prefork.Cycling
		says  string
	}{
		"below an empty worker": {prefork.Cycling{Memory: mib}, "a worker that has just got ready needs"},
		"above the machine":     {prefork.Cycling{Memory: 1 << 50}, "one more while a worker is replaced"},
		"a part above one":      {prefork.Cycling{GC: 50}, "want a part of 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.Limits.Cycling = tt.marks
			p.start()
			if err := p.exits(); exitCode(err) != 1 {
				t.Errorf("it ended with %v, want exit code 1", err)
			}
			if log := p.log.String(); !strings.Contains(log, tt.says) {
				t.Errorf("it said %q, want %q", log, tt.says)
			}
		})
	}
}

// TestOutOfMemory: the kernel kills a worker that takes more than its cgroup
// allows.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	root, limit := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if _, err := os.Stat(root); err != nil {
		root, limit = "/sys/fs/cgroup", "memory.max" // of version 2
	}
	group := filepath.Join(root, fmt.Sprintf("prefork-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("needs the right to make a cgroup: %v", err)
	}
	p := newProgram(t)
	t.Cleanup(func() {
		p.sweep()
		until(t, "the cgroup is empty", func() error { return os.Remove(group) })
	})
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(group, file), []byte(text), 0); err != nil {
			t.Skipf("needs a memory controller that can be set: %v", err)
		}
	}
	write(limit, strconv.Itoa(64*mib))
	state := p.serve()
	victim := pids(state, prefork.Serving)[0]
	write("cgroup.procs", strconv.Itoa(victim))
	for p.must("pid") != strconv.Itoa(victim) {
	}
	until(t, "the worker leaks and is killed", func() error {
		_, err := p.ask("leak 200") // whichever worker it reaches
		if err == nil {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	if d := p.death(victim); d.Exit.Signal != "SIGKILL" || d.Expected {
		t.Errorf("death: %v, expected %v; want SIGKILL", d.Exit, d.Expected)
	}
	p.await("all serve", serving)
	p.stop()
}

// TestDeathRecord: what is known of the death of a worker that panics.
func TestDeathRecord(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.serve()
	_, _ = p.ask("panic") // there is no answer
	state := p.await("a death", func(s prefork.State) bool { return len(s.Deaths) > 0 && serving(s) })
	d := state.Deaths[0]
	if d.Panic != "panic: told to panic" || !strings.Contains(d.Output, "goroutine ") || d.Exit.Code != 2 || d.Vitals.Memory == 0 {
		t.Errorf("exit %v, panic %q, output %.80q, vitals %+v", d.Exit, d.Panic, d.Output, d.Vitals)
	}
	p.stop()
}

// TestScaleByControl: over the control socket.
func TestScaleByControl(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.serve()
	for _, n := range []int{4, 1, 2} {
		if _, err := control.Ask(t.Context(), filepath.Join(p.Dir, "control.sock"), control.Request{Do: "scale", Workers: n}, nil); err != nil {
			t.Error(err)
		}
		p.await(fmt.Sprintf("%d serve", n), func(s prefork.State) bool { return len(pids(s, prefork.Serving)) == n && len(s.Processes) == n })
	}
	_, err := control.Ask(t.Context(), filepath.Join(p.Dir, "control.sock"), control.Request{Do: "scale", Workers: 100}, nil)
	if err == nil || !strings.Contains(err.Error(), "want from 1 to 8") {
		t.Errorf("100 workers: %v", err)
	}
	p.stop()
}

// TestWhatADeadWorkerStarted is swept when it dies by itself too, but for what is
// meant to outlive it.
func TestWhatADeadWorkerStarted(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Workers = 1
	state := p.serve()
	p.must("start sh -c sleep${IFS}60&")
	p.must("start setsid --fork sleep 60")
	p.must("start env -u SUPPORT_WORKER setsid --fork sleep 60")
	until(t, "all that it started sleep", func() error {
		asleep := 0
		for _, pid := range p.processes() {
			if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && string(name) == "sleep\n" {
				asleep++
			}
		}
		if asleep != 3 {
			return fmt.Errorf("%d do", asleep)
		}
		return nil
	})
	p.kill(pids(state, prefork.Serving)[0], syscall.SIGKILL)
	p.await("replaced", func(s prefork.State) bool { return len(s.Deaths) == 1 && serving(s) })
	until(t, "what it started is gone", func() error {
		if left := p.processes(); len(left) != 3 {
			return fmt.Errorf("%v are left, want two and one that is to stay", left)
		}
		return nil
	})
	p.signal(syscall.SIGTERM)
	if err := p.exits(); err != nil {
		t.Error(err)
	}
	if left := p.processes(); len(left) != 1 {
		t.Errorf("%v are left, want the one that is to stay", left)
	}
}
