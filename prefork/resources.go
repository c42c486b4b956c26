package prefork

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// share says how the machine is divided among the processes of a group.
type share struct {
	procs  int   // of the group
	memory int64 // that the group may use, in bytes; 0 if nobody limits it
	whole  int64 // the same, or if nobody limits it, what the machine has; 0 if unknown
	own    bool  // GOMEMLIMIT says for each process how much
	limit  int64 // the same, in bytes; 0 unless own
}

// newShare looks at what this process may use. Memory is divided only where a
// cgroup limits it, and not where GOMEMLIMIT says for each process how much.
func newShare() share {
	s := share{procs: runtime.GOMAXPROCS(0)}
	if all, err := memlimit.FromSystem(); err == nil && all < 1<<62 {
		s.whole = int64(all)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		s.own, s.limit = true, debug.SetMemoryLimit(-1)
	}
	limit, err := memlimit.FromCgroup()
	if err != nil || limit >= 1<<62 {
		return s
	}
	s.whole = int64(limit)
	if !s.own {
		s.memory = int64(limit)
	}
	return s
}

// minProcs is the least for any process: with one, whatever computes keeps
// everything else waiting, the network included.
const minProcs = 2

// overhead is what the supervisor and a helper may need, in bytes.
const overhead = 64 << 20

// of gives the number of Ps and the memory limit for a process. Nine tenths of
// the group's memory, less the overhead, are divided by one more than there
// are workers, since in a reload there is one more. A worker's limit lies
// above its mark in any case: it is to be replaced before the collector works
// itself to death.
func (s share) of(role string, workers int, mark int64) (procs int, memory int64) {
	if role != WorkerRole {
		return minProcs, 0
	}
	procs = max(minProcs, (s.procs+workers-1)/workers)
	if s.memory > 0 {
		memory = s.each(workers)
	}
	if mark > 0 && !s.own {
		memory = max(memory, mark+mark/4)
	}
	return procs, memory
}

// each is the memory of one of so many workers.
func (s share) each(workers int) int64 {
	return max((s.memory/10*9-overhead)/int64(workers+1), overhead/4)
}

// marks fills in the memory mark that nobody has set.
func (s share) marks(c Cycling, workers int) Cycling {
	c = c.withDefaults()
	if c.Memory == 0 && s.memory > 0 {
		c.Memory = s.each(workers) / 5 * 4
	}
	return c
}

// surge refuses a memory mark with which a group could use more than there is,
// since one worker more runs while another is replaced.
func (s share) surge(workers int, mark int64) error {
	need := int64(workers+1)*mark + overhead
	if mark <= 0 || s.whole == 0 || need <= s.whole {
		return nil
	}
	return fmt.Errorf("prefork: Limits.Cycling.Memory is %s: %d workers, one more while a worker is replaced, and %s for supervisor and helpers make %s, and there are %s: want at most %s",
		inMiB(mark), workers, inMiB(overhead), inMiB(need), inMiB(s.whole), inMiB(max(s.whole-overhead, 0)/int64(workers+1)))
}

// starves says what is wrong with a memory mark that no worker comes to, or "".
func (s share) starves(mark int64) string {
	if mark <= s.limit || s.limit == 0 {
		return ""
	}
	return fmt.Sprintf("Limits.Cycling.Memory is %s, and GOMEMLIMIT is %s: a worker that leaks spends its time collecting garbage before it is replaced: want GOMEMLIMIT above the mark, or none",
		inMiB(mark), inMiB(s.limit))
}
