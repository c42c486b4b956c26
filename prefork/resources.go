package prefork

import (
	"os"
	"runtime"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// share says how the machine is divided among the processes of a group.
type share struct {
	procs  int   // of the group
	memory int64 // that the group may use, in bytes; 0 if nobody limits it
}

// newShare looks at what this process may use. Memory is divided only where a
// cgroup limits it, and not where GOMEMLIMIT says for each process how much.
func newShare() share {
	s := share{procs: runtime.GOMAXPROCS(0)}
	if os.Getenv("GOMEMLIMIT") != "" {
		return s
	}
	if limit, err := memlimit.FromCgroup(); err == nil && limit < 1<<62 {
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
// are workers, since in a reload there is one more.
func (s share) of(role string, workers int) (procs int, memory int64) {
	if role != WorkerRole {
		return minProcs, 0
	}
	procs = max(minProcs, (s.procs+workers-1)/workers)
	if s.memory > 0 {
		memory = max((s.memory/10*9-overhead)/int64(workers+1), overhead/4)
	}
	return procs, memory
}
