package requests

import (
	"sync"
	"sync/atomic"
	"time"
)

// pace decides which requests are followed: all while few come, and one in 2,
// 4, 8, ..., 64 when there are more, so that about 1,000 a second are.
type pace struct {
	stride atomic.Uint32 // a power of two; 0 is 1

	window atomic.Int64 // when the present one began; changed under mu

	mu    sync.Mutex
	count int // followed in the window
}

const (
	paceWindow = int64(100 * time.Millisecond)
	paceMost   = 100 // followed in a window
	paceLeast  = paceMost / 4
	paceLull   = 10 * paceWindow // without any followed: few come
	maxStride  = 64
)

// every is the stride: one request in so many is followed.
func (p *pace) every() uint32 { return max(1, p.stride.Load()) }

// chosen says whether the visit is to be followed. It throws dice of its own
// (xorshift64), which costs a nanosecond, lest requests that come in a regular
// pattern be followed in one.
func (v *visit) chosen() bool {
	pace := &v.recorder.pace
	every := pace.every()
	if every == 1 || v.start-pace.window.Load() > paceLull {
		return true
	}
	v.dice ^= v.dice << 13
	v.dice ^= v.dice >> 7
	v.dice ^= v.dice << 17
	return v.dice>>32&uint64(every-1) == 0
}

// followed notes that a request is followed, and returns how many it stands for.
func (p *pace) followed(now int64) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	every := p.every()
	p.count++
	switch {
	case p.count > paceMost:
		p.set(min(maxStride, every*2), now)
	case now-p.window.Load() > paceLull:
		p.set(1, now)
	case now-p.window.Load() > paceWindow && p.count < paceLeast:
		p.set(max(1, every/2), now)
	case now-p.window.Load() > paceWindow:
		p.set(every, now)
	}
	return every
}

func (p *pace) set(every uint32, now int64) {
	p.stride.Store(every)
	p.window.Store(now)
	p.count = 0
}
