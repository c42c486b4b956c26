package prefork

import (
	"fmt"
	"time"
)

// beat asks every child for a sign of life and notes what they have shown
// since. When the supervisor itself has not run for a while, because it was
// stopped or the machine slept, nobody is blamed for having been silent.
func (l *loop) beat(now time.Time) {
	gap := now.Sub(l.beaten)
	if gap < heartbeat {
		return
	}
	asleep := !l.beaten.IsZero() && gap > 3*heartbeat
	l.beaten = now
	if asleep {
		l.awoke = now
	}
	for i := range l.state.Processes {
		p := &l.state.Processes[i]
		c := l.children[p.Serial]
		if heard := c.sign().at; heard.After(p.Heard) {
			p.Heard = heard
		}
		if asleep {
			p.Heard, p.Moved = now, now
		}
		l.audit(p, now)
		c.send(message{Ping: true})
	}
	l.mend()
	l.sys.notify("WATCHDOG=1")
}

// mend looks after the mode of the sockets, which belongs to all who share them.
func (l *loop) mend() {
	for _, name := range l.sys.mend(l.state.Sockets) {
		l.log.Error("somebody had made a shared socket blocking: set right", "socket", name)
	}
}

// audit reads a child's ledger. Requests that run without one of them ending
// or moving a byte are a standstill.
func (l *loop) audit(p *Process, now time.Time) {
	counts, err := l.children[p.Serial].page.Counts()
	if err != nil {
		p.Doubtful = err.Error()
		p.Moved = now // nothing is known, so nobody is blamed
		return
	}
	if counts.Ended != p.Counts.Ended || counts.Streaming != p.Counts.Streaming || counts.Quiet() == 0 {
		p.Moved = now
	}
	p.Counts, p.Doubtful = counts, ""
}

// since is how long ago t was, as far as this process has been awake to see
// what came of it.
func (l *loop) since(t, now time.Time) time.Duration {
	if t.Before(l.awoke) {
		t = l.awoke
	}
	return now.Sub(t)
}

// judge compares how long p has been in its phase with what is allowed.
func (l *loop) judge(p *Process, now time.Time) {
	switch p.Phase {
	case Starting:
		if l.since(p.Started, now) >= l.limits.Start {
			l.expel(p, fmt.Sprintf("was not ready after %v", l.limits.Start), now)
		}
	case Serving:
		if l.limits.Stuck > 0 && now.Sub(p.Moved) >= l.limits.Stuck && now.Sub(l.lastStuck) >= l.limits.Stuck {
			l.lastStuck = now
			l.expel(p, fmt.Sprintf("no request ended for %v while %d ran", l.limits.Stuck, p.Counts.Quiet()), now)
		}
	case Draining:
		if !p.KillAt.IsZero() {
			l.killInTime(p, now)
			return
		}
		if l.since(p.Left, now) >= l.limits.Drain {
			l.expel(p, fmt.Sprintf("did not drain within %v", l.limits.Drain), now)
		}
	case Expelled:
		l.killInTime(p, now)
		return
	}
	if p.live() || p.Phase == Draining {
		if silence := now.Sub(p.Heard); silence >= l.limits.Silence {
			l.expel(p, fmt.Sprintf("gave no sign of life for %v", silence.Round(time.Second)), now)
		}
	}
}

// killInTime kills a process whose time is up.
func (l *loop) killInTime(p *Process, now time.Time) {
	if !now.Before(p.KillAt) {
		p.KillAt = now.Add(l.limits.Silence) // a process that the kernel holds fast may need another
		l.children[p.Serial].signal(kill)
	}
}

// lastWords is how long an expelled process has to write its stacks.
const lastWords = 2 * time.Second

// expel wakes a process that may be stopped, has the Go runtime write the
// stacks of all goroutines and exit, and kills what is left after lastWords.
func (l *loop) expel(p *Process, why string, now time.Time) {
	if p.Phase == Expelled {
		return
	}
	l.log.Error("process expelled", append(p.attrs(), "why", why)...)
	p.Phase, p.Why, p.Left, p.KillAt = Expelled, why, now, now.Add(lastWords)
	c := l.children[p.Serial]
	c.signal(wake)
	c.signal(dump)
}
