package upstream

import (
	"sync/atomic"
	"time"
)

// instant is a time in nanoseconds since the Manager began, by the monotonic
// clock. 0 is never.
type instant int64

// past is before anything.
const past instant = 1

// clock tells time. While connections are lent all the time it also keeps a
// coarse reading that costs nothing to look at: see Manager.tend.
type clock struct {
	base   time.Time
	coarse atomic.Int64 // to a millisecond, or 0 while nobody keeps it
}

// now reads the clock.
func (c *clock) now() instant { return instant(time.Since(c.base)) + 1 }

// about returns the coarse reading, or if there is none a fresh one.
func (c *clock) about() instant {
	if t := c.glance(); t != 0 {
		return t
	}
	return c.now()
}

// glance returns the coarse reading, or 0.
func (c *clock) glance() instant { return instant(c.coarse.Load()) }

// time returns t as others write it.
func (c *clock) time(t instant) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return c.base.Add(time.Duration(t))
}

// at places a time on the clock; the zero time is 0, and what is before the
// beginning is 1.
func (c *clock) at(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return max(1, instant(t.Sub(c.base)))
}

// after returns t plus d.
func (t instant) after(d time.Duration) instant { return t + instant(d) }

// since returns how long ago earlier was.
func (t instant) since(earlier instant) time.Duration { return time.Duration(t - earlier) }
