package prefork

import (
	"runtime/metrics"
	"time"
)

// Vitals is what a process used when it was last looked at.
type Vitals struct {
	At       time.Time `json:"at,omitzero"`
	Memory   int64     `json:"memory"`            // bytes; 0 where the system does not tell
	Measure  string    `json:"measure,omitempty"` // of Memory: RSS or PSS
	Files    int       `json:"files"`             // open
	MaxFiles int       `json:"max_files"`         // that it may have open
	GC       float64   `json:"gc"`                // part of its CPU time that went into collecting garbage, lately
}

// Measures of memory. What processes share, such as their program, counts whole
// for each of them in the resident set size, and in the proportional one by its
// share; so the latter is never greater.
const (
	RSS = "rss"
	PSS = "pss"
)

// weigh replaces v's resident size by the proportional one, if that can be read.
// The kernel looks at every page for it, which takes tens of milliseconds for a
// large process. So it is done only for one that may be beyond its mark, and for a
// fiftieth of the time; in between, what it shares counts as unchanged.
func (l *loop) weigh(p *Process, v *Vitals, now time.Time) {
	c := l.children[p.Serial]
	if !now.Before(c.weighable) {
		began := time.Now()
		size, err := l.sys.weigh(p.PID)
		c.weighable = now.Add(max(50*time.Since(began), heartbeat/2))
		c.weighed, c.shared = err == nil, max(v.Memory-size, 0)
	}
	if c.weighed {
		v.Memory, v.Measure = v.Memory-c.shared, PSS
	}
}

// Over says since when a worker has been beyond its marks.
type Over struct {
	Memory time.Time `json:"memory,omitzero"`
	GC     time.Time `json:"gc,omitzero"`
	Files  time.Time `json:"files,omitzero"`
}

// work is the CPU time that a child says it has used so far, in seconds. It is
// told with each sign of life, and counted as of the last garbage collection.
type work struct {
	Busy float64 `json:"busy,omitempty"` // on anything
	GC   float64 `json:"gc,omitempty"`   // of that, on collecting garbage
}

func ownWork() work {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(samples)
	return work{GC: samples[0].Value.Float64(), Busy: samples[1].Value.Float64() - samples[2].Value.Float64()}
}

// idle is the part of a CPU below which it does not matter what a process spends
// it on.
const idle = 0.05

// gcPart is the part of the CPU time between two reports that went into
// collecting garbage. What a child reports is not to be trusted, but harms
// nobody else.
func gcPart(before, after work, took time.Duration) float64 {
	busy, gc := after.Busy-before.Busy, after.GC-before.GC
	if !(busy > idle*took.Seconds()) || !(gc > 0) {
		return 0
	}
	return min(gc/busy, 1)
}
