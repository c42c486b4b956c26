package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime/metrics"
	"time"

	"github.com/support-go/support/stats"
)

// handler answers on as many routes as it is to have.
func (s settings) handler() http.Handler {
	mux := http.NewServeMux()
	for n := range max(1, s.Routes) {
		mux.HandleFunc(fmt.Sprintf("GET /route%d/{id}", n), func(w http.ResponseWriter, _ *http.Request) {
			for until := time.Now().Add(s.Burn); time.Now().Before(until); {
				_ = math.Sqrt(rand.Float64())
			}
			_, _ = io.WriteString(w, "Hello, world!")
		})
	}
	return mux
}

// fill has the worker hold what it is to hold.
func (s settings) fill(reg *stats.Registry) {
	for range s.Idle {
		go func() { select {} }()
	}
	for n := range s.Instruments {
		name := fmt.Sprintf("bench.thing_%d", n)
		switch n % 4 {
		case 0:
			reg.Counter(name + "_total").Add(1)
		case 1:
			reg.Gauge(name).Set(1)
		default:
			d := reg.Distribution(name + "_seconds")
			go func() {
				for range time.Tick(time.Second) {
					for range 10 {
						d.Add(math.Exp(rand.NormFloat64()) / 100)
					}
				}
			}()
		}
	}
}

// pause is how long this process has stood still at most since its start.
type pause struct {
	Others float64 `meta:"title=Longest but of collections,unit=seconds,merge=max"`
	GC     float64 `meta:"title=Longest of collections,unit=seconds,merge=max"`
}

// pauses is a page of that.
func pauses(context.Context) (any, error) {
	samples := []metrics.Sample{{Name: "/sched/pauses/total/other:seconds"}, {Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(samples)
	return pause{longest(samples[0].Value.Float64Histogram()), longest(samples[1].Value.Float64Histogram())}, nil
}

// longest is the upper bound of the highest bucket that is not empty.
func longest(h *metrics.Float64Histogram) float64 {
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if h.Counts[i] > 0 {
			return min(h.Buckets[i+1], 1e6)
		}
	}
	return 0
}
