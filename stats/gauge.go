package stats

import (
	"math"
	"sync/atomic"
)

// Gauge is a level that goes up and down: connections open, bytes in use. It
// is safe for concurrent use; the zero Gauge is at 0. Merged gauges add up;
// for what should not, there is Peak.
type Gauge struct {
	bits atomic.Uint64
}

// Set puts the gauge at v. NaN and infinities change nothing.
func (g *Gauge) Set(v float64) {
	if isFinite(v) {
		g.bits.Store(math.Float64bits(v))
	}
}

// Add moves the gauge by v. NaN and infinities change nothing.
func (g *Gauge) Add(v float64) {
	for isFinite(v) {
		old := g.bits.Load()
		sum := math.Float64frombits(old) + v
		if !isFinite(sum) || g.bits.CompareAndSwap(old, math.Float64bits(sum)) {
			return
		}
	}
}

// Value returns the level.
func (g *Gauge) Value() float64 { return math.Float64frombits(g.bits.Load()) }

func (g *Gauge) snapshot(int64) Value { return Level(g.Value()) }

func (g *Gauge) fold(int64) {}

// Level is the snapshot of a Gauge.
type Level float64

func isFinite(v float64) bool { return v-v == 0 }
