package meta_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/stats"
)

// crowd is a group of processes that count, each as much as the other.
func crowd(workers, instruments int) (h *meta.Handler, reg *stats.Registry) {
	reg = &stats.Registry{Limits: stats.Limits{Names: 10_000, Series: 20_000}}
	for i := range instruments {
		switch i % 4 {
		case 0:
			reg.Counter(fmt.Sprintf("shop.counter_%d", i)).Add(1)
		case 1:
			reg.Gauge(fmt.Sprintf("shop.gauge_%d", i)).Set(1)
		default:
			reg.Distribution(fmt.Sprintf("shop.duration_%d_seconds", i)).Add(0.001)
		}
	}
	h = &meta.Handler{Stats: meta.Of(reg), Group: func(context.Context) (meta.Group, error) {
		g := meta.Group{Phase: "serving", State: "ok"}
		for i := range workers {
			g.Processes = append(g.Processes, meta.Process{Name: fmt.Sprintf("w%d", i+1), PID: i + 1, Serves: true})
		}
		return g, nil
	}}
	return h, reg
}

func TestHistoryKeepsAnHour(t *testing.T) {
	h, reg := crowd(2, 8)
	counter, durations := reg.Counter("shop.counter_0"), reg.Distribution("shop.duration_2_seconds")
	start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	const looks = 2 * 720 // each 5 s, two hours
	for n := range looks {
		if n < 700 || n > 760 { // nobody looks for five minutes
			h.Look(t.Context(), start.Add(time.Duration(n)*5*time.Second), n)
		}
		counter.Add(50)
		durations.Add(0.25)
		h.Forget()
	}
	values := h.Kept("", "shop.counter_0")
	if len(values) < 100 || len(values) > 120 {
		t.Errorf("%d points, want at most 120 of the last hour", len(values))
	}
	gaps := 0
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			gaps++
		case math.Abs(v-10) > 0.5:
			t.Fatalf("the rate is %v, want 10 a second", v)
		}
	}
	if gaps < 1 || gaps > 12 {
		t.Errorf("%d gaps, want those of the minutes without a look that are in the last hour", gaps)
	}
}

// BenchmarkHour says what the history of a large group takes, in memory and
// for each look.
func BenchmarkHour(b *testing.B) {
	for b.Loop() {
		h, _ := crowd(8, 1000)
		before := heap()
		start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
		began := time.Now()
		const looks = 60
		for n := range looks {
			h.Forget()
			h.Look(b.Context(), start.Add(time.Duration(n)*5*time.Second), n)
		}
		took := time.Since(began)
		b.ReportMetric(float64(heap()-before)/(1<<20), "MiB")
		b.ReportMetric(took.Seconds()/looks/5*100, "%ofcore")
		runtime.KeepAlive(h)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
