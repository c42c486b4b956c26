package upstream

import "sync/atomic"

// budget bounds how often calls are repeated, by retries and hedges together.
// Each success pays in a share, so that where nothing succeeds nothing is
// repeated for long: an upstream that fails is not asked twice as much.
type budget struct {
	saved atomic.Int64 // in thousandths of a repetition
	most  int64
	share int64
}

const whole = 1000 // thousandths

func (b *budget) init(r Retry) {
	b.most = int64(r.Burst) * whole
	b.share = int64(r.Budget * whole)
	b.saved.Store(b.most / 10)
}

// earn pays in for a success.
func (b *budget) earn() { b.pay(b.share) }

// trickle pays in without one, so that a service that is seldom asked can
// repeat as well. It is called each second.
func (b *budget) trickle() { b.pay(whole / 10) }

func (b *budget) pay(n int64) {
	if saved := b.saved.Load(); saved < b.most {
		b.saved.Add(min(n, b.most-saved))
	}
}

// spend tells whether one more repetition may be made, and counts it.
func (b *budget) spend() bool {
	for {
		saved := b.saved.Load()
		if saved < whole {
			return false
		}
		if b.saved.CompareAndSwap(saved, saved-whole) {
			return true
		}
	}
}
