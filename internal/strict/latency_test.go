package strict_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/support-go/support/internal/strict"
)

// TestLatencyQuantiles compares with the exact answer, over all magnitudes.
func TestLatencyQuantiles(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var parts [2]strict.Latency
		exact := make([]time.Duration, 1+rng.IntN(2000))
		for i := range exact {
			exact[i] = time.Duration(rng.Uint64() >> (1 + rng.IntN(63)))
			parts[i%2].Add(exact[i])
		}
		all := &parts[0]
		all.Merge(&parts[1])
		slices.Sort(exact)
		for _, q := range []float64{0, .5, .9, .99, .999, 1} {
			want := exact[min(int(q*float64(len(exact))), len(exact)-1)]
			got := all.Quantile(q)
			if got < want || float64(got) > float64(want)*(1+1./64) {
				t.Errorf("seed %d: quantile %v of %d is %d, want %d and at most 1/64 more", seed, q, len(exact), got, want)
			}
		}
		if all.Count() != int64(len(exact)) || all.Max() != exact[len(exact)-1] {
			t.Errorf("seed %d: count %d and max %v, want %d and %v", seed, all.Count(), all.Max(), len(exact), exact[len(exact)-1])
		}
	}
}

func TestLatencyEmpty(t *testing.T) {
	var l, other strict.Latency
	l.Merge(&other)
	if l.Quantile(.5) != 0 || l.Max() != 0 || l.Count() != 0 {
		t.Errorf("an empty distribution holds %v, %v, %d", l.Quantile(.5), l.Max(), l.Count())
	}
	l.Add(-time.Second)
	if l.Quantile(1) != 0 || l.Count() != 1 {
		t.Errorf("after a negative duration: %v, %d, want 0 and 1", l.Quantile(1), l.Count())
	}
	other.Merge(&l)
	if other.Count() != 1 {
		t.Errorf("merged into an empty one: count %d, want 1", other.Count())
	}
	data, err := json.Marshal(&l)
	const want = `{"count":1,"p50_ns":0,"p99_ns":0,"p999_ns":0,"p9999_ns":0,"max_ns":0}`
	if err != nil || string(data) != want {
		t.Errorf("JSON is %s, %v, want %s", data, err, want)
	}
}

func BenchmarkLatencyAdd(b *testing.B) {
	var l strict.Latency
	for b.Loop() {
		l.Add(123 * time.Microsecond)
	}
}
