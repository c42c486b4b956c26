// Package procstats records facts about the own process in a stats.Registry:
// processor time, memory, page faults, context switches, files, threads,
// goroutines by state, scheduler latency and garbage collection.
package procstats

import (
	"context"
	"fmt"
	"time"

	"github.com/support-go/support/stats"
)

// Watch says how often to look. Zero fields take defaults.
type Watch struct {
	Every    time.Duration // default 1s; at least 100ms
	PSSEvery time.Duration // default 10s; the kernel walks all pages for it
}

const fastest = 100 * time.Millisecond

// Run looks at the process, at once and then regularly, until ctx ends, and
// returns ctx's error. What looking costs is in process.watch_seconds.
//
// The sum of process.cpu_user_seconds and process.cpu_system_seconds is the
// time used so far; each of their values is the part of one look. A gauge
// that this system cannot tell is left out.
func (w Watch) Run(ctx context.Context, reg *stats.Registry) error {
	r, err := newReader()
	if err != nil {
		return fmt.Errorf("procstats: %w", err)
	}
	defer r.close()
	if w.Every <= 0 {
		w.Every = time.Second
	}
	if w.PSSEvery <= 0 {
		w.PSSEvery = 10 * time.Second
	}
	every := max(w.Every, fastest)
	tick := time.NewTicker(every)
	defer tick.Stop()
	proc, runtime, cost := newOSWatch(reg), newRuntime(reg), reg.Distribution("process.watch_seconds")
	var sinceStart, lastPSS time.Duration
	for start := time.Now(); ; {
		began := time.Now()
		withPSS := sinceStart == 0 || sinceStart-lastPSS >= w.PSSEvery
		proc.record(r.read(withPSS))
		runtime.record()
		cost.AddSince(began)
		if withPSS {
			lastPSS = sinceStart
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			sinceStart = time.Since(start)
		}
	}
}

// facts are what the operating system tells; what it does not is unknown.
type facts struct {
	user, system           float64 // seconds
	minorFaults            int64
	majorFaults            int64
	voluntary, involuntary int64 // context switches
	rss, pss               float64
	files, maxFiles        float64
}

// unknown is the value of a gauge that cannot be told.
const unknown = -1

// osWatch has the instruments of facts.
type osWatch struct {
	reg                      *stats.Registry
	last                     facts
	user, system             *stats.Distribution
	minorFaults, majorFaults *stats.Counter
	voluntary, involuntary   *stats.Counter
}

func newOSWatch(reg *stats.Registry) *osWatch {
	describe(reg, map[string]string{
		"process.cpu_user_seconds":   "Processor time in the program, by look.",
		"process.cpu_system_seconds": "Processor time in the kernel, by look.",
		"process.faults":             "Page faults; major ones waited for a disk.",
		"process.context_switches":   "Context switches; involuntary ones mean a busy machine.",
		"process.rss_bytes":          "Resident memory.",
		"process.pss_bytes":          "Resident memory with shared pages divided among those who share.",
		"process.open_files":         "Open file descriptors.",
		"process.max_files":          "Limit of open file descriptors.",
		"process.watch_seconds":      "Time that looking at the process has taken.",
	})
	return &osWatch{
		reg:         reg,
		user:        reg.Distribution("process.cpu_user_seconds"),
		system:      reg.Distribution("process.cpu_system_seconds"),
		minorFaults: reg.Counter("process.faults", "kind", "minor"),
		majorFaults: reg.Counter("process.faults", "kind", "major"),
		voluntary:   reg.Counter("process.context_switches", "kind", "voluntary"),
		involuntary: reg.Counter("process.context_switches", "kind", "involuntary"),
	}
}

func describe(reg *stats.Registry, texts map[string]string) {
	for name, text := range texts {
		reg.Describe(name, text)
	}
}

func (p *osWatch) record(now facts) {
	p.user.Add(max(0, now.user-p.last.user))
	p.system.Add(max(0, now.system-p.last.system))
	p.minorFaults.Add(now.minorFaults - p.last.minorFaults)
	p.majorFaults.Add(now.majorFaults - p.last.majorFaults)
	p.voluntary.Add(now.voluntary - p.last.voluntary)
	p.involuntary.Add(now.involuntary - p.last.involuntary)
	p.gauge("process.rss_bytes", now.rss)
	p.gauge("process.pss_bytes", now.pss)
	p.gauge("process.open_files", now.files)
	p.reg.Peak("process.max_files").Reach(now.maxFiles)
	p.last = now
}

func (p *osWatch) gauge(name string, v float64) {
	if v != unknown {
		p.reg.Gauge(name).Set(v)
	}
}
