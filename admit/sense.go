package admit

import (
	"runtime/metrics"
	"time"
)

// sense is what a gate can feel of its process. Tests have one of their own.
type sense struct {
	wanting func() int           // goroutines that run or are ready to, beside the caller
	cpu     func() time.Duration // CPU time of the process so far
}

func realSense() sense {
	counts := []metrics.Sample{
		{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/goroutines/runnable:goroutines"},
	}
	return sense{
		cpu: cpuTime,
		wanting: func() int { // 70 ns; the gate's lock guards counts
			metrics.Read(counts)
			return int(counts[0].Value.Uint64()+counts[1].Value.Uint64()) - 1
		},
	}
}
