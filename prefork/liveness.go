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
			p.Heard, p.Moved, p.Took = now, now, now
		}
		l.audit(p, now)
		c.send(message{Ping: true})
	}
	l.attend(now)
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
		if why := l.stuck(p, now); why != "" {
			l.lastStuck = now
			l.expel(p, why, now)
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

// stuck says what p fails to do, if it is to be expelled for that: one at a time,
// since what holds all of them is nothing that a new one could mend.
func (l *loop) stuck(p *Process, now time.Time) string {
	patience := l.limits.Stuck
	switch {
	case patience <= 0 || now.Sub(l.lastStuck) < patience:
		return ""
	case now.Sub(p.Moved) >= patience:
		return fmt.Sprintf("no request ended for %v while %d ran", patience, p.Counts.Quiet())
	case l.deaf(p, now):
		return fmt.Sprintf("took no connection for %v, had none to serve, and others waited or were taken by its siblings", now.Sub(p.Took).Round(time.Second))
	}
	return ""
}

// attend notes which workers take connections. One that has connections already
// may have reasons to take no more.
func (l *loop) attend(now time.Time) {
	switch {
	case !l.sys.waits(l.state.Sockets):
		l.waiting = time.Time{}
	case l.waiting.IsZero():
		l.waiting = now
	}
	taken := make(map[int]uint64) // by serial
	all := uint64(0)
	for _, p := range l.state.Processes {
		if c := l.children[p.Serial]; p.Role == WorkerRole {
			turns := l.sys.turns(p.Seat)
			taken[p.Serial] = min(turns-c.turns, mostTaken)
			all += taken[p.Serial]
			c.turns = turns
		}
	}
	for i := range l.state.Processes {
		p := &l.state.Processes[i]
		c := l.children[p.Serial]
		c.missed += all - taken[p.Serial]
		if taken[p.Serial] > 0 || p.Counts.Open() > 0 || p.Counts.Running() > 0 || p.Doubtful != "" {
			p.Took, c.missed = now, 0
		}
	}
}

const (
	mostTaken = 4 // connections of one worker that count at each look: its account may jump
	enough    = 4 // connections that each worker must have seen go to others before it is blamed
)

// deaf says whether p should have taken a connection and has not: because one
// waits all the time, or because siblings, with whom it takes turns, have had so
// many.
func (l *loop) deaf(p *Process, now time.Time) bool {
	if p.Role != WorkerRole || now.Sub(p.Took) < l.limits.Stuck {
		return false
	}
	return !l.waiting.IsZero() && now.Sub(l.waiting) >= l.limits.Stuck || l.children[p.Serial].missed >= enough*uint64(l.state.Workers)
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
