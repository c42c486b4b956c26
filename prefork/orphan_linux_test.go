package prefork_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/prefork"
)

// killed kills the supervisor and waits for its end.
func (p *program) killed() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	_ = p.exits() // it was killed
}

// TestOrphansOfOrphans: two supervisors die one after the other, the second
// while its workers start. A third takes over from all that they have left.
func TestOrphansOfOrphans(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Helpers = []string{"aide"}
	first := pids(p.serve(), prefork.Serving)
	p.killed()
	p.must("pid")
	p.behave("slow")
	p.start()
	starting := pids(p.await("one starts", func(s prefork.State) bool {
		return len(pids(s, prefork.Starting)) == 1
	}), prefork.Starting)
	p.killed()
	p.must("pid")
	p.behave("")
	third := p.serve()
	until(t, "only the last generation is left", func() error {
		want := []int{p.cmd.Process.Pid}
		for _, q := range third.Processes {
			want = append(want, q.PID)
		}
		slices.Sort(want)
		left := p.processes()
		slices.Sort(left)
		if !slices.Equal(left, want) {
			return fmt.Errorf("%v are left, want %v; the first were %v, the second %v", left, want, first, starting)
		}
		return nil
	})
	p.must("pid")
	p.stop()
}

// TestOrphansWithoutPatience drain at once, and the next start gets the
// address.
func TestOrphansWithoutPatience(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Orphan = -1
	p.serve()
	p.killed()
	until(t, "all are gone", func() error {
		if left := p.processes(); len(left) > 0 {
			return fmt.Errorf("%v are left", left)
		}
		return nil
	})
	p.serve()
	p.killed()
	p.serve() // while they go
	p.stop()
}

// TestOrphanThatStarted alone: there is nobody else to take the socket from.
func TestOrphanThatStarted(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.behave("slow")
	p.start()
	p.await("one starts", func(s prefork.State) bool { return len(pids(s, prefork.Starting)) == 1 })
	p.killed()
	p.behave("")
	p.serve()
	p.stop()
}

// TestFirstProcess: as process 1 of a container the supervisor reaps whatever
// dies, and still learns how its own have ended.
func TestFirstProcess(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.under = unshared(t)
	p.serve()
	p.must("start setsid --fork sleep 0.1") // its parent dies before it
	for _, act := range []string{"exit", "exit"} {
		_, _ = p.ask(act) // it dies of it
	}
	state := p.await("both are replaced", func(s prefork.State) bool { return len(s.Deaths) == 2 && serving(s) })
	for _, d := range state.Deaths {
		if d.Exit.Code != 9 {
			t.Errorf("a death of %v, want exit code 9", d.Exit)
		}
	}
	if err := p.control("reload", nil); err != nil {
		t.Error(err)
	}
	until(t, "no zombies", func() error {
		if ps := p.must("run ps -e -o stat,pid,comm"); strings.Contains(ps, "Z ") {
			return errors.New(ps)
		}
		return nil
	})
	if state.PID != 1 {
		t.Errorf("the supervisor is process %d", state.PID)
	}
	children := p.processes()
	for _, pid := range children {
		if pid != p.cmd.Process.Pid && inner(t, pid) == 1 {
			p.kill(pid, syscall.SIGTERM)
		}
	}
	began := time.Now()
	if err := p.exits(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	t.Logf("stopped within %v", time.Since(began))
}

// unshared is a command that runs another as process 1.
func unshared(t *testing.T) []string {
	t.Helper()
	command := []string{"unshare", "--pid", "--fork", "--mount-proc"}
	if out, err := exec.Command(command[0], append(command[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("needs root and unshare of util-linux: %v: %s", err, out)
	}
	return command
}

// inner is the number that a process has in its own namespace.
func inner(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // it has gone
	}
	_, rest, _ := strings.Cut(string(text), "NSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	numbers := strings.Fields(line)
	n, err := strconv.Atoi(numbers[len(numbers)-1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
