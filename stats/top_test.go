package stats_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/support-go/support/stats"
)

func TestTopIsExactWithFewKeys(t *testing.T) {
	top := new(stats.Registry).Top("t")
	for i := range 256 {
		top.AddWeight(fmt.Sprint(i), int64(i+1))
	}
	top.AddWeight("3", 0)
	top.AddWeight("3", -9)
	snap := top.Snapshot()
	for i, h := range snap.Heaviest(300) {
		if want := (stats.Heavy{Key: fmt.Sprint(255 - i), Weight: int64(256 - i)}); h != want {
			t.Errorf("number %d is %v, want %v", i, h, want)
		}
	}
	if snap.Lost != 0 || len(snap.Keys) != 256 {
		t.Errorf("Lost, keys = %d, %d; want 0, 256", snap.Lost, len(snap.Keys))
	}
}

// zipf draws keys of which few are heavy and very many are not.
func zipf(seed uint64, n int) map[string]int64 {
	r := rand.New(rand.NewPCG(seed, 9))
	z := rand.NewZipf(r, 1.2, 1, 1<<40)
	weight := make(map[string]int64)
	for range n {
		weight[fmt.Sprint(z.Uint64())]++
	}
	return weight
}

func checkBounds(t *testing.T, snap *stats.TopSnapshot, weight map[string]int64) {
	t.Helper()
	total := int64(0)
	for key, w := range weight {
		total += w
		if lower, upper := snap.Bounds(key); w < lower || w > upper {
			t.Errorf("the weight of %s is %d, said to be from %d to %d", key, w, lower, upper)
		}
	}
	if snap.Total != total {
		t.Errorf("Total = %d, want %d", snap.Total, total)
	}
	if snap.Lost > total/128 {
		t.Errorf("Lost = %d of %d, more than 1/128", snap.Lost, total)
	}
	if len(snap.Keys) > 256 {
		t.Errorf("%d keys are kept, want at most 256", len(snap.Keys))
	}
}

func TestTopBounds(t *testing.T) {
	top := new(stats.Registry).Top("t")
	weight := zipf(1, 200_000)
	for key, w := range weight {
		for range w {
			top.Add(key)
		}
	}
	checkBounds(t, top.Snapshot(), weight)
}

func TestTopBoundsAfterMerging(t *testing.T) {
	sum := &stats.TopSnapshot{}
	all := make(map[string]int64)
	for worker := range 8 {
		top := new(stats.Registry).Top("t")
		for key, w := range zipf(uint64(worker), 20_000) {
			top.AddWeight(key, w)
			all[key] += w
		}
		sum.Merge(top.Snapshot())
	}
	checkBounds(t, sum, all)
}

func TestTopKeysAreCut(t *testing.T) {
	top := new(stats.Registry).Top("t")
	top.Add(strings.Repeat("x", 10_000))
	if got := len(top.Snapshot().Keys[0].Key); got != 200 {
		t.Errorf("the key has %d bytes, want 200", got)
	}
}
