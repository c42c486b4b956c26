package upstream

import (
	"sync"
	"time"
)

// deadline is that of one direction of a connection: the earliest of what the
// borrower has set, the end of its context, and the response time-out.
type deadline struct {
	mu    sync.Mutex
	user  instant // set by the borrower
	until instant // the end of its context
	armed instant // what the connection has been told
}

// begin starts a loan.
func (d *deadline) begin(until instant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user, d.until = 0, until
}

// forget has the next arm tell the connection in any case.
func (d *deadline) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed = -1
}

// arm tells the connection its deadline, unless it knows. Moving it costs more
// than all the rest of a read, so the response time-out, which moves with each,
// is set an eighth too late and left alone until it would be too early.
func (d *deadline) arm(now instant, response time.Duration, c *clock, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	want := earliest(d.user, d.until)
	if response > 0 {
		soonest := now.after(response)
		latest := soonest.after(response / 8)
		if want == 0 || want > latest {
			want = latest
			if soonest <= d.armed && d.armed <= latest {
				return nil
			}
		}
	}
	if want == d.armed {
		return nil
	}
	d.armed = want
	return set(c.time(want))
}

// setUser is SetDeadline of the borrower. It holds for what runs already.
func (d *deadline) setUser(t instant, response time.Duration, c *clock, set func(time.Time) error) error {
	d.mu.Lock()
	d.user = t
	d.armed = -1
	d.mu.Unlock()
	return d.arm(c.now(), response, c, set)
}

func earliest(a, b instant) instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
