package accept

import "time"

// trouble is what keeps connections from being accepted at all, such as too many
// open files. It is guarded by Queue.accepting.
type trouble struct {
	since  time.Time // zero for none
	latest time.Time // when it was last met
	delay  time.Duration
}

const (
	leastDelay = 5 * time.Millisecond
	mostDelay  = time.Second
)

// wait lets a while pass, longer each time, after closing a few connections that
// are idle. It says so once.
func (t *trouble) wait(q *Queue, err error) {
	q.account.failures.Add(1)
	closed := q.closeIdle(reserved, (*Conn).idles)
	if t.since.IsZero() {
		t.since = time.Now()
		q.account.log.Error("cannot accept connections: trying again until it works", "address", q.Addr().String(), "error", err, "idle_closed", closed)
	}
	t.latest = time.Now()
	t.delay = min(max(2*t.delay, leastDelay), mostDelay)
	timer := time.NewTimer(t.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-q.closing:
	}
}

// over notes that it works, and says so when nothing has failed for a while:
// each descriptor that comes free lets one more in.
func (t *trouble) over(q *Queue) {
	if t.since.IsZero() {
		return
	}
	t.delay = 0
	if time.Since(t.latest) < mostDelay {
		return
	}
	q.account.log.Info("accepting connections again", "address", q.Addr().String(), "after", time.Since(t.since))
	*t = trouble{}
}
