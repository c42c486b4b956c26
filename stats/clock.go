package stats

import (
	"sync"
	"sync/atomic"
	"time"
)

// clock tells time in Unix nanoseconds: the wall clock as it was at the first
// reading plus the monotonic time since. Steps of the wall clock do not move
// it, so no difference between two readings is negative.
type clock struct {
	once   sync.Once
	base   time.Time
	unix   int64        // base in Unix nanoseconds
	coarse atomic.Int64 // the last reading; what Distribution.Add takes for now
}

// read returns the time and refreshes the coarse clock.
func (c *clock) read() int64 {
	c.start()
	now := c.at(time.Now())
	c.coarse.Store(now)
	return now
}

func (c *clock) start() {
	c.once.Do(func() {
		c.base = time.Now()
		c.unix = c.base.UnixNano()
		c.coarse.Store(c.unix)
	})
}

// exact returns the time without touching the coarse clock, which is shared
// by all processors.
func (c *clock) exact() int64 {
	return c.unix + int64(time.Since(c.base))
}

// at places t, by its monotonic reading if it has one, on the clock.
func (c *clock) at(t time.Time) int64 {
	return c.unix + int64(t.Sub(c.base))
}
