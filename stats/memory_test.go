package stats

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// footprint is what the parts of d take, by what they have allocated.
func footprint(d *Distribution) (whole, eachShard int) {
	w := &d.whole
	rowsOf := func(r *rows) int { return cap(r.counts) * perOctave * 4 }
	whole = int(unsafe.Sizeof(*d)) + rowsOf(&w.minute.rows) + rowsOf(&w.hour.rows) +
		8*(cap(w.Positive.Counts)+cap(w.Negative.Counts)) +
		int(unsafe.Sizeof(Window{}))*(cap(w.minutes)+cap(w.hours))
	for i := range d.shards {
		if s := d.shards[i].Load(); s != nil {
			eachShard = max(eachShard, int(unsafe.Sizeof(*s))+rowsOf(&s.rows))
		}
	}
	return whole, eachShard
}

// TestMemoryOfABusyDistribution has latencies spread over a factor of 10,000
// and all windows full.
func TestMemoryOfABusyDistribution(t *testing.T) {
	d := new(Registry).Distribution("d_seconds")
	r := rand.New(rand.NewPCG(1, 2))
	now := d.clock.read()
	for range 40 * 60 {
		for range 50 {
			d.Add(0.003 * math.Exp(r.NormFloat64()))
		}
		now += int64(time.Minute)
		d.fold(now)
	}
	whole, shard := footprint(d)
	t.Logf("whole %d bytes, each shard %d", whole, shard)
	if whole+shard > 16<<10 || shard > 6<<10 {
		t.Errorf("with one shard it takes %d bytes, each further %d; want at most 16 and 6 KiB", whole+shard, shard)
	}
}
