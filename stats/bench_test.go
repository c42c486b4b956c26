package stats_test

import (
	"context"
	"math"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/support-go/support/stats"
)

// latencies are log-normal seconds around 3 ms.
func latencies() []float64 {
	vs := make([]float64, 1024)
	for i := range vs {
		vs[i] = 0.003 * math.Exp(math.Sin(float64(i)*12.9898)*2)
	}
	return vs
}

func BenchmarkCounterAdd(b *testing.B) {
	c := new(stats.Registry).Counter("c")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Add(1)
		}
	})
}

func BenchmarkDistributionAdd(b *testing.B) {
	d := new(stats.Registry).Distribution("d_seconds")
	vs := latencies()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			d.Add(vs[i%1024])
		}
	})
}

func BenchmarkTopAndCardinality(b *testing.B) {
	reg := new(stats.Registry)
	top, card := reg.Top("t"), reg.Cardinality("n")
	keys := make([]string, 128)
	for i := range keys {
		keys[i] = "192.168.100." + strconv.Itoa(i)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			top.Add(keys[i%128])
			card.Add(keys[i%128])
		}
	})
}

func BenchmarkCardinalityAdd(b *testing.B) {
	card := new(stats.Registry).Cardinality("n")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			card.Add("192.168.100.101")
		}
	})
}

func BenchmarkRateTick(b *testing.B) {
	r := new(stats.Registry).Rate("r")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Tick()
		}
	})
}

func BenchmarkStatesTransition(b *testing.B) {
	s := new(stats.Registry).States("s")
	x, y := s.State("x"), s.State("y")
	b.RunParallel(func(pb *testing.PB) {
		v := s.Enter(x)
		defer v.Leave()
		for pb.Next() {
			v.Transition(y)
		}
	})
}

func BenchmarkLookupWithLabel(b *testing.B) {
	reg := new(stats.Registry)
	b.ReportAllocs()
	for b.Loop() {
		reg.Counter("http.requests", "route", "GET /users")
	}
}

// thousand fills a registry with 1,000 instruments as a service has them:
// 600 counters, 200 gauges, 150 distributions, 30 rates, 10 tops, 10
// cardinalities.
func thousand() *stats.Registry {
	reg := &stats.Registry{Secret: [16]byte{1}}
	vs := latencies()
	for i := range 600 {
		reg.Counter("c" + strconv.Itoa(i)).Add(int64(i))
	}
	for i := range 200 {
		reg.Gauge("g" + strconv.Itoa(i)).Set(float64(i))
	}
	for i := range 150 {
		d := reg.Distribution("d" + strconv.Itoa(i))
		for _, v := range vs {
			d.Add(v)
		}
	}
	for i := range 30 {
		reg.Rate("r" + strconv.Itoa(i)).Tick()
	}
	for i := range 10 {
		top, card := reg.Top("t"+strconv.Itoa(i)), reg.Cardinality("n"+strconv.Itoa(i))
		for j := range 1000 {
			top.Add(strconv.Itoa(j % 200))
			card.Add(strconv.Itoa(j))
		}
	}
	return reg
}

func BenchmarkSnapshotThousand(b *testing.B) {
	reg := thousand()
	b.ReportAllocs()
	for b.Loop() {
		reg.Snapshot()
	}
}

func BenchmarkMerge64Workers(b *testing.B) {
	worker := thousand().Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		var sum stats.Snapshot
		for range 64 {
			if err := sum.Merge(worker); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncodeThousand(b *testing.B) {
	snap := thousand().Snapshot()
	for b.Loop() {
		bin, _ := snap.MarshalBinary()
		b.ReportMetric(float64(len(bin)), "bytes")
	}
}

// BenchmarkDistributionAddWhileFolding has a reader take ten snapshots a
// second or more.
func BenchmarkDistributionAddWhileFolding(b *testing.B) {
	reg := new(stats.Registry)
	d := reg.Distribution("d_seconds")
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go func() { _ = reg.Run(ctx) }()
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			d.Add(float64(i))
		}
		n.Add(1)
	})
}
