package track

import (
	"slices"
	"sync"
	"sync/atomic"
)

// flow is one half of a request, of which Watch sees whether the client keeps it
// going. What nobody waits for may stand still.
type flow struct {
	conn    *Conn
	fault   Fault // of a client that does not
	patient bool  // it may last, as half of a conversation
	waiting atomic.Bool
	moved   atomic.Uint64 // bytes
	taken   atomic.Bool   // the connection is not net/http's any more

	mu  sync.Mutex
	end func() // makes what waits fail; nil after release; mu

	pace, lag pace
}

// watch has Watch look at f until release.
func (c *Conn) watch(f *flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flows = append(c.flows, f)
}

func (f *flow) release() {
	f.mu.Lock()
	f.end = nil
	f.mu.Unlock()
	c := f.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flows = slices.DeleteFunc(c.flows, func(other *flow) bool { return other == f })
}

// releaseFlows is for a connection that is not net/http's any more.
func (c *Conn) releaseFlows() {
	c.mu.Lock()
	flows := slices.Clone(c.flows)
	c.mu.Unlock()
	for _, f := range flows {
		f.taken.Store(true)
		f.release()
	}
}

// moves runs what moves some bytes, and may wait for the client.
func (f *flow) moves(move func() (int, error)) (int, error) {
	f.waiting.Store(true)
	n, err := move()
	f.waiting.Store(false)
	f.moved.Add(uint64(n))
	f.conn.useful.Add(uint64(n))
	return n, err
}

// expire makes what waits fail.
func (f *flow) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.end != nil {
		f.end()
	}
}

// look says how f does.
func (f *flow) look(looks int) verdict {
	waiting, moved := f.waiting.Load(), f.moved.Load()
	stalled := f.pace.slow(waiting, moved, least, looks) && !f.patient
	lags := f.lag.slow(waiting, moved, little, lagging) && (!f.patient || f.fault == SlowReader)
	switch {
	case stalled:
		return stands
	case lags:
		return drags
	}
	return runs
}
