package prefork_test

import (
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/prefork"
)

// TestSpread has connections made one after another, and looks who takes them,
// where there are more workers than processors, one is stopped, one comes back,
// one is full and one is new. The bounds leave room for a busy machine, on which
// workers miss their turns; the log says how it was.
func TestSpread(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Workers, p.Limits.Silence = 4, time.Minute
	workers := pids(p.serve(), prefork.Serving)
	const visits = 200

	p.spread("all", visits, workers, 10, 120)

	stopped, others := workers[0], workers[1:]
	p.kill(stopped, syscall.SIGSTOP)
	p.spread("one is stopped", visits, others, 10, 160)
	p.kill(stopped, syscall.SIGCONT)
	p.spread("it is back", visits, []int{stopped}, 5, 120)

	full, err := strconv.Atoi(p.must("full"))
	if err != nil {
		t.Fatal(err)
	}
	p.spread("one is full", visits, []int{full}, 0, 100)

	p.kill(full, syscall.SIGKILL)
	var now []int
	p.await("replaced", func(s prefork.State) bool {
		now = pids(s, prefork.Serving)
		return serving(s) && !slices.Contains(now, full)
	})
	newcomers := slices.DeleteFunc(now, func(pid int) bool { return slices.Contains(workers, pid) })
	p.spread("one is new", visits, newcomers, 5, 120)
	p.stop()
}

// spread makes connections and checks how many each of some workers has taken.
func (p *program) spread(when string, visits int, workers []int, least, most int) {
	p.t.Helper()
	counts := make(map[int]int)
	for range visits {
		pid, err := strconv.Atoi(p.must("pid"))
		if err != nil {
			p.t.Fatal(err)
		}
		counts[pid]++
	}
	p.t.Logf("%s: connections by worker %v", when, counts)
	for _, pid := range workers {
		if n := counts[pid]; n < least || n > most {
			p.t.Errorf("%s: worker %d has taken %d of %d connections, want %d to %d; all: %v", when, pid, n, visits, least, most, counts)
		}
	}
}
