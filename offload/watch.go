package offload

import "time"

// watch reports jobs that are over their pool's budget. Its fields are guarded
// by the pool's mutex.
type watch struct {
	timer *time.Timer // nil before the first job
	armed bool
	last  time.Time // of a report
}

// reportEvery is the least time between two stacks in the log.
const reportEvery = time.Second

// start sees to it that somebody looks when a job that starts now goes over its
// budget. A timer that is armed for an earlier job looks after the later ones
// as well, so that many short jobs cost one timer in each budget.
func (w *watch) start(p *Pool) {
	if p.Limits.Budget <= 0 || w.armed {
		return
	}
	w.arm(p, p.Limits.Budget)
}

func (w *watch) arm(p *Pool, after time.Duration) {
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(after, p.look)
		return
	}
	w.timer.Reset(after)
}

// look reports the oldest job that is over its budget and has not been
// reported.
func (p *Pool) look() {
	p.mu.Lock()
	j, others := p.watch.next(p, time.Now())
	if j == nil {
		p.mu.Unlock()
		return
	}
	of, ran := j.of, time.Since(j.began)
	p.mu.Unlock() // the job may end now: then its stack is not found
	p.Log.Warn("job is over its budget", "pool", p.Name, "function", of.name,
		"running", ran.Round(time.Millisecond), "budget", p.Limits.Budget, "others", others, "stack", jobStacks(of.full))
}

// next picks the job to report, if one may be reported now, says how many
// others there are, and sets the timer for the next look.
func (w *watch) next(p *Pool, now time.Time) (over *job, others int) {
	w.armed = false
	soon := time.Duration(-1)
	free := w.last.Add(reportEvery).Sub(now) // until when no report may be made
	for j := range p.running.all {
		left := p.Limits.Budget - now.Sub(j.began)
		switch {
		case j.reported:
			continue
		case left > 0:
		case over == nil && free <= 0:
			over, j.reported, w.last, free = j, true, now, reportEvery
			continue
		default:
			others++
			left = free
		}
		if soon < 0 || left < soon {
			soon = left
		}
	}
	if soon >= 0 {
		w.arm(p, max(soon, time.Millisecond))
	}
	return over, others
}
