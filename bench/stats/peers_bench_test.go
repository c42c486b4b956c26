package stats_test

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/support-go/support/stats"
)

// latencies are log-normal seconds around 3 ms.
func latencies() []float64 {
	vs := make([]float64, 1024)
	for i := range vs {
		vs[i] = 0.003 * math.Exp(2*math.Sin(float64(i)*12.9898))
	}
	return vs
}

// parallel calls add from one goroutine for each processor.
func parallel(b *testing.B, add func()) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			add()
		}
	})
}

// parallelValues calls add with latencies.
func parallelValues(b *testing.B, add func(float64)) {
	vs := latencies()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			add(vs[i&1023])
		}
	})
}

func BenchmarkFloor(b *testing.B) {
	b.Run("atomic", func(b *testing.B) {
		var n atomic.Int64
		parallel(b, func() { n.Add(1) })
	})
	b.Run("mutex", func(b *testing.B) {
		var mu sync.Mutex
		parallel(b, func() {
			mu.Lock()
			mu.Unlock() //nolint:staticcheck // the lock is what is measured
		})
	})
	b.Run("atomic_pair", func(b *testing.B) { // what a try-lock costs
		b.RunParallel(func(pb *testing.PB) {
			var lock atomic.Uint32
			for pb.Next() {
				lock.CompareAndSwap(0, 1)
				lock.Store(0)
			}
		})
	})
}

func BenchmarkCounter(b *testing.B) {
	b.Run("support", func(b *testing.B) {
		c := new(stats.Registry).Counter("c")
		parallel(b, func() { c.Add(1) })
	})
	b.Run("prometheus", func(b *testing.B) {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "c"})
		parallel(b, c.Inc)
	})
	b.Run("prometheus_labels", func(b *testing.B) {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "c"}, []string{"route"})
		parallel(b, func() { c.WithLabelValues("GET /users").Inc() })
	})
	b.Run("support_labels", func(b *testing.B) {
		reg := new(stats.Registry)
		parallel(b, func() { reg.Counter("c", "route", "GET /users").Add(1) })
	})
	b.Run("otel", func(b *testing.B) {
		c, err := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())).Meter("m").Int64Counter("c")
		if err != nil {
			b.Fatal(err)
		}
		parallel(b, func() { c.Add(context.Background(), 1) })
	})
	b.Run("victoria", func(b *testing.B) {
		c := metrics.NewSet().NewCounter("c")
		parallel(b, c.Inc)
	})
}

func BenchmarkDistribution(b *testing.B) {
	b.Run("support", func(b *testing.B) {
		d := new(stats.Registry).Distribution("d_seconds")
		parallelValues(b, d.Add)
	})
	b.Run("prometheus_classic", func(b *testing.B) {
		parallelValues(b, prometheus.NewHistogram(prometheus.HistogramOpts{Name: "d"}).Observe)
	})
	b.Run("prometheus_native", func(b *testing.B) {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "d", NativeHistogramBucketFactor: 1.022})
		parallelValues(b, h.Observe)
	})
	b.Run("otel_exponential", func(b *testing.B) {
		view := sdkmetric.NewView(sdkmetric.Instrument{Name: "d"}, sdkmetric.Stream{
			Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 640, MaxScale: 5},
		})
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()), sdkmetric.WithView(view))
		h, err := provider.Meter("m").Float64Histogram("d")
		if err != nil {
			b.Fatal(err)
		}
		parallelValues(b, func(v float64) { h.Record(context.Background(), v) })
	})
	b.Run("otel_classic", func(b *testing.B) {
		h, err := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())).Meter("m").Float64Histogram("d")
		if err != nil {
			b.Fatal(err)
		}
		parallelValues(b, func(v float64) { h.Record(context.Background(), v) })
	})
	b.Run("victoria", func(b *testing.B) {
		parallelValues(b, metrics.NewSet().NewHistogram("d").Update)
	})
	b.Run("hdr_mutex", func(b *testing.B) {
		h := hdrhistogram.New(1, 60_000_000, 3) // microseconds
		var mu sync.Mutex
		parallelValues(b, func(v float64) {
			mu.Lock()
			_ = h.RecordValue(int64(v * 1e6))
			mu.Unlock()
		})
	})
	b.Run("ddsketch_mutex", func(b *testing.B) {
		s, err := ddsketch.NewDefaultDDSketch(0.011)
		if err != nil {
			b.Fatal(err)
		}
		var mu sync.Mutex
		parallelValues(b, func(v float64) {
			mu.Lock()
			_ = s.Add(v)
			mu.Unlock()
		})
	})
}
