package procstats

import (
	"math"
	"runtime/metrics"

	"github.com/support-go/support/stats"
)

// runtimeWatch records what package runtime/metrics knows.
type runtimeWatch struct {
	samples   []metrics.Sample
	recorders []func(metrics.Value)
}

func newRuntime(reg *stats.Registry) *runtimeWatch {
	describe(reg, map[string]string{
		"process.threads":               "Threads of the operating system.",
		"process.goroutines":            "Goroutines by state.",
		"process.sched_latency_seconds": "Time that goroutines were ready and waited to run.",
		"process.gc_pause_seconds":      "Time that collections stopped the program.",
		"process.gc_cpu_seconds":        "Processor time of the collector, by look.",
		"process.gc_cycles":             "Garbage collections.",
		"process.heap_bytes":            "Memory in heap objects, also dead ones not yet swept.",
		"process.heap_goal_bytes":       "Heap size at which the next collection ends.",
	})
	w := &runtimeWatch{}
	w.watch("/sched/threads/total:threads", level(reg.Gauge("process.threads")))
	for _, state := range []string{"running", "runnable", "waiting", "not-in-go"} {
		w.watch("/sched/goroutines/"+state+":goroutines", level(reg.Gauge("process.goroutines", "state", state)))
	}
	w.watch("/sched/latencies:seconds", values(reg.Distribution("process.sched_latency_seconds")))
	w.watch("/sched/pauses/total/gc:seconds", values(reg.Distribution("process.gc_pause_seconds")))
	w.watch("/cpu/classes/gc/total:cpu-seconds", parts(reg.Distribution("process.gc_cpu_seconds")))
	w.watch("/gc/cycles/total:gc-cycles", count(reg.Counter("process.gc_cycles")))
	w.watch("/memory/classes/heap/objects:bytes", level(reg.Gauge("process.heap_bytes")))
	w.watch("/gc/heap/goal:bytes", level(reg.Gauge("process.heap_goal_bytes")))
	return w
}

func (w *runtimeWatch) watch(name string, record func(metrics.Value)) {
	w.samples = append(w.samples, metrics.Sample{Name: name})
	w.recorders = append(w.recorders, record)
}

func (w *runtimeWatch) record() {
	metrics.Read(w.samples)
	for i, s := range w.samples {
		if s.Value.Kind() != metrics.KindBad { // a runtime without this metric
			w.recorders[i](s.Value)
		}
	}
}

// level shows a value that goes up and down.
func level(g *stats.Gauge) func(metrics.Value) {
	return func(v metrics.Value) { g.Set(float64(v.Uint64())) }
}

// count adds the increase of a value.
func count(c *stats.Counter) func(metrics.Value) {
	last := uint64(0)
	return func(v metrics.Value) {
		c.Add(int64(v.Uint64() - last))
		last = v.Uint64()
	}
}

// parts adds the increase of a value as a value of its own.
func parts(d *stats.Distribution) func(metrics.Value) {
	last := 0.0
	return func(v metrics.Value) {
		d.Add(max(0, v.Float64()-last))
		last = v.Float64()
	}
}

// values adds what is new in a histogram, each value as the middle of its
// bucket.
func values(d *stats.Distribution) func(metrics.Value) {
	var last []uint64
	return func(v metrics.Value) {
		h := v.Float64Histogram()
		for i, n := range h.Counts {
			if i < len(last) {
				n -= last[i]
			}
			d.AddN(middle(h.Buckets[i], h.Buckets[i+1]), n)
		}
		last = append(last[:0], h.Counts...)
	}
}

// middle of a bucket, or its finite end.
func middle(lo, hi float64) float64 {
	switch {
	case math.IsInf(lo, -1):
		return hi
	case math.IsInf(hi, 1):
		return lo
	}
	return lo + (hi-lo)/2
}
