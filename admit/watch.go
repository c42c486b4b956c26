package admit

import "time"

// watch looks at a gate while requests wait, in case that nobody comes or goes.
// It is guarded by the gate's lock.
type watch struct {
	timer *time.Timer
	pause time.Duration // until the next look
	more  int           // are let in at the next look, if the CPU is idle again
}

const (
	leastPause = time.Millisecond
	mostPause  = 50 * time.Millisecond
)

// begin is for a line that is not empty any more.
func (w *watch) begin(g *Gate) {
	w.pause, w.more = leastPause, 1
	if w.timer == nil {
		w.timer = time.AfterFunc(w.pause, g.glance)
		return
	}
	w.timer.Reset(w.pause)
}

// glance lets requests in as the limit grows, and, if the CPU is idle, one more,
// and twice as many each time that it is idle still.
func (g *Gate) glance() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.lookLocked(now)
	g.handOnLocked(now)
	if g.line.empty() {
		return
	}
	g.pace.count(0, now)
	w := &g.watch
	if !g.spareLocked() {
		w.pause, w.more = min(2*w.pause, mostPause), 1
	} else {
		for range w.more {
			if !g.line.empty() && g.busyLocked() < g.most {
				g.letInLocked(now)
			}
		}
		w.pause, w.more = leastPause, 2*w.more
	}
	w.timer.Reset(w.pause)
}

// turn chooses requests to look at the clock for: about one in a millisecond,
// but one of 32 at least.
type turn struct {
	left, step int // until the next; from one to the next
	last       time.Time
}

func (t *turn) comes() bool {
	t.left--
	return t.left < 0
}

func (t *turn) next(now time.Time) {
	since := max(now.Sub(t.last), 1)
	t.step = int(min(max(time.Duration(t.step)*askEvery/since, 1), 32))
	t.left, t.last = t.step-1, now
}
