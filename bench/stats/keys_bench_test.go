package stats_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/apache/datasketches-go/common"
	"github.com/apache/datasketches-go/frequencies"
	"github.com/apache/datasketches-go/hll"

	"github.com/support-go/support/stats"
)

// clients are keys such as addresses of clients.
func clients() []string {
	keys := make([]string, 128)
	for i := range keys {
		keys[i] = "192.168.100." + strconv.Itoa(i)
	}
	return keys
}

// parallelKeys calls add with keys.
func parallelKeys(b *testing.B, add func(string)) {
	keys := clients()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			add(keys[i&127])
		}
	})
}

func BenchmarkKeys(b *testing.B) {
	b.Run("support_top_and_cardinality", func(b *testing.B) {
		reg := new(stats.Registry)
		top, distinct := reg.Top("t"), reg.Cardinality("n")
		parallelKeys(b, func(key string) {
			top.Add(key)
			distinct.Add(key)
		})
	})
	b.Run("support_cardinality", func(b *testing.B) {
		parallelKeys(b, new(stats.Registry).Cardinality("n").Add)
	})
	b.Run("datasketches_items_mutex", func(b *testing.B) {
		s, err := frequencies.NewFrequencyItemsSketchWithMaxMapSize[string](512, common.ItemSketchStringHasher{}, common.ItemSketchStringSerDe{})
		if err != nil {
			b.Fatal(err)
		}
		var mu sync.Mutex
		parallelKeys(b, func(key string) {
			mu.Lock()
			_ = s.Update(key)
			mu.Unlock()
		})
	})
	b.Run("datasketches_hll_mutex", func(b *testing.B) {
		s, err := hll.NewHllSketch(12, hll.TgtHllTypeHll8)
		if err != nil {
			b.Fatal(err)
		}
		for i := range 100_000 { // until it is dense
			_ = s.UpdateInt64(int64(i))
		}
		var mu sync.Mutex
		parallelKeys(b, func(key string) {
			mu.Lock()
			_ = s.UpdateString(key)
			mu.Unlock()
		})
	})
}
