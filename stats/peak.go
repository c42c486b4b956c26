package stats

import (
	"math"
	"sync/atomic"
)

// Peak keeps the greatest of the values that it was given, of 0 and more: the
// longest queue so far, or a limit that is the same everywhere. It is safe for
// concurrent use; the zero Peak is at 0. The peak of merged ones is the
// greatest of them, where gauges would add up.
type Peak struct {
	bits atomic.Uint64 // of a float of 0 or more, whose bits are in the same order
}

// Reach raises the peak to v, if it is below. NaN, infinities and what is not
// above 0 change nothing.
func (p *Peak) Reach(v float64) {
	if !isFinite(v) || v <= 0 {
		return
	}
	bits := math.Float64bits(v)
	for old := p.bits.Load(); bits > old; old = p.bits.Load() {
		if p.bits.CompareAndSwap(old, bits) {
			return
		}
	}
}

// Value returns the greatest value so far.
func (p *Peak) Value() float64 { return math.Float64frombits(p.bits.Load()) }

func (p *Peak) snapshot(int64) Value { return Greatest(p.Value()) }

func (p *Peak) fold(int64) {}

// Greatest is the snapshot of a Peak, which is never below 0.
type Greatest float64
