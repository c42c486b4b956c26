package pressure

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
)

// senses reads the signals of this process. All but those of files are what has
// happened since the last time.
type senses struct {
	samples   []metrics.Sample
	gc, total float64
	delays    []uint64
	lookFiles int // counts looks: files are counted at some only
	files     float64
}

const filesEvery = 8 // looks

func newSenses() *senses {
	s := &senses{}
	for _, name := range []string{
		"/gc/heap/live:bytes", "/memory/classes/heap/stacks:bytes",
		"/cpu/classes/gc/total:cpu-seconds", "/cpu/classes/gc/mark/idle:cpu-seconds",
		"/cpu/classes/total:cpu-seconds",
		"/sched/latencies:seconds",
	} {
		s.samples = append(s.samples, metrics.Sample{Name: name})
	}
	s.read()
	return s
}

func (s *senses) read() (r Signals) {
	metrics.Read(s.samples)
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		r.Memory = float64(s.samples[0].Value.Uint64()+s.samples[1].Value.Uint64()) / float64(limit)
	}
	gc := s.samples[2].Value.Float64() - s.samples[3].Value.Float64()
	total := s.samples[4].Value.Float64()
	if total > s.total { // the runtime counts at the end of each collection only
		r.GC = (gc - s.gc) / (total - s.total)
	}
	s.gc, s.total = gc, total
	r.Delay = s.delay(s.samples[5].Value.Float64Histogram())
	if s.lookFiles--; s.lookFiles < 0 {
		s.lookFiles = filesEvery - 1
		s.files = openFiles()
	}
	r.Files = s.files
	return r
}

// delay is the 99th percentile of what has come to h since the last time.
func (s *senses) delay(h *metrics.Float64Histogram) float64 {
	if s.delays == nil {
		s.delays = make([]uint64, len(h.Counts))
	}
	var total uint64
	for i, n := range h.Counts {
		total += n - s.delays[i]
	}
	var above uint64
	p99 := 0.0
	for i := len(h.Counts) - 1; i >= 0 && total > 0; i-- {
		if above += h.Counts[i] - s.delays[i]; above*100 > total {
			p99 = max(h.Buckets[i], 0) // the least that it can be
			break
		}
	}
	copy(s.delays, h.Counts)
	return p99
}
