package prefork

import (
	"fmt"
	"time"
)

// A worker that has passed a mark is cycled like one that is reloaded: its
// replacement is ready before it drains. There is one at a time, and none while
// a reload is under way.

// Cycle is the replacement of a worker that has passed a mark.
type Cycle struct {
	Since       time.Time `json:"since"`
	Why         string    `json:"why"`
	Slot        int       `json:"slot"`
	Replacement int       `json:"replacement"` // serial of the process that takes over
}

// glance is how often a worker is looked at that has used half of its memory
// mark: a leak may be quick.
const glance = 100 * time.Millisecond

// examine looks at all workers that serve.
func (l *loop) examine(now time.Time) {
	every := heartbeat
	if l.hurried {
		every = glance
	}
	if now.Sub(l.examined) < every {
		return
	}
	l.examined, l.hurried = now, false
	for i := range l.state.Processes {
		if p := &l.state.Processes[i]; p.Role == WorkerRole && p.Phase == Serving {
			l.check(p, now)
		}
	}
}

// check notes what p uses, and since when it is too much.
func (l *loop) check(p *Process, now time.Time) {
	v, err := l.sys.look(p.PID)
	if err != nil {
		return // it has ended, as will be noticed, or this system does not tell
	}
	v.At, v.GC = now, p.Vitals.GC
	c := l.children[p.Serial]
	if s := c.sign(); s.at.After(c.then.at) {
		if !c.then.at.IsZero() {
			v.GC = gcPart(c.then.work, s.work, s.at.Sub(c.then.at))
		}
		c.then = s
	}
	marks := l.state.Cycling
	mark := p.memoryMark(marks)
	if p.Empty == 0 || mark > 0 && v.Memory > mark {
		l.weigh(p, &v, now)
	}
	p.Vitals = v
	if p.Empty == 0 {
		p.Empty = v.Memory
		l.greet(p, now)
		mark = p.memoryMark(marks)
	}
	l.hurried = l.hurried || mark > 0 && v.Memory > mark/2
	note(&p.Over.Memory, mark > 0 && v.Memory > mark, now)
	note(&p.Over.GC, marks.GC > 0 && v.GC > marks.GC, now)
	note(&p.Over.Files, marks.Files > 0 && v.MaxFiles > 0 && float64(v.Files) > marks.Files*float64(v.MaxFiles), now)
}

// note keeps since when something has been so.
func note(since *time.Time, so bool, now time.Time) {
	switch {
	case !so:
		*since = time.Time{}
	case since.IsZero():
		*since = now
	}
}

// greet compares what p uses when it has just got ready with its memory mark. A
// group that has never been ready does not start with a mark that is too low.
func (l *loop) greet(p *Process, now time.Time) {
	err := l.state.Cycling.checkEmpty(p.Empty)
	switch {
	case err == nil:
	case l.wasReady || l.defaultMark:
		l.log.Warn("memory mark is too low for this program: raised for this worker", append(p.attrs(), "error", err, "mark", p.memoryMark(l.state.Cycling))...)
	default:
		l.failure = fmt.Errorf("prefork: %w", err)
		l.stop("a mark is too low", now)
	}
}

// advanceCycle takes the next step that is possible.
func (l *loop) advanceCycle(now time.Time) {
	c := l.state.Cycle
	if c == nil {
		l.beginCycle(now)
		return
	}
	gone, err := l.succeed(c.Slot, c.Replacement, message{Drain: c.Why, Cycled: true}, now)
	switch {
	case err != nil:
		l.state.Cycle = nil
		l.postponeCycles(err, now)
	case gone:
		l.log.Info("worker cycled", "slot", c.Slot, "why", c.Why, "after", now.Sub(c.Since).Round(time.Millisecond))
		l.state.Cycle, l.state.Cycles = nil, l.state.Cycles+1
	}
}

// beginCycle starts a replacement for the first worker that has passed a mark.
func (l *loop) beginCycle(now time.Time) {
	if !l.wasReady || l.state.Phase == GroupStopping || l.state.Reload != nil ||
		l.state.count(WorkerRole, Starting) > 0 || now.Before(l.state.NoCycleBefore) {
		return
	}
	for i := range l.state.Processes {
		p := &l.state.Processes[i]
		s := l.state.slot(p.Slot)
		if p.Role != WorkerRole || p.Phase != Serving || s == nil {
			continue
		}
		why := l.state.Cycling.exceeded(p, now)
		if why == "" {
			continue
		}
		l.log.Warn("worker is cycled", append(p.attrs(), "why", why)...)
		if !l.replace(s, why, now) {
			l.postponeCycles(fmt.Errorf("a new process cannot be started"), now)
		}
		return
	}
}

// replace starts a process beside the one in a slot, and says whether it could.
func (l *loop) replace(s *Slot, why string, now time.Time) bool {
	c := &Cycle{Since: now, Why: why, Slot: s.ID}
	if c.Replacement = l.start(s, now); c.Replacement == 0 {
		return false
	}
	l.state.Cycle = c
	return true
}

// cycle is for a worker that somebody wants to have replaced.
func (l *loop) cycle(slot int, now time.Time) error {
	s := l.state.slot(slot)
	switch {
	case l.state.Phase == GroupStopping:
		return ErrStopped
	case s == nil || s.Role != WorkerRole:
		return fmt.Errorf("prefork: there is no worker %d", slot)
	case !l.wasReady, !l.serves(slot):
		return fmt.Errorf("%w: worker %d does not serve", ErrBusy, slot)
	case l.state.Reload != nil, l.state.Cycle != nil:
		return fmt.Errorf("%w: another worker is being replaced", ErrBusy)
	case l.state.count(WorkerRole, Starting) > 0:
		return fmt.Errorf("%w: another worker is being started", ErrBusy)
	}
	l.log.Info("worker is cycled", "slot", slot, "why", "asked to")
	if !l.replace(s, "asked to", now) {
		return fmt.Errorf("prefork: a process in the place of worker %d cannot be started", slot)
	}
	return nil
}

// postponeCycles keeps a worker that cannot be replaced.
func (l *loop) postponeCycles(err error, now time.Time) {
	wait := max(l.state.CycleTrouble.add(now), time.Second)
	l.state.NoCycleBefore = now.Add(wait)
	l.log.Error("cycling failed, the old worker serves on", "error", err, "next_try_in", wait.Round(time.Millisecond))
}

// succeed has the process that replaces another take over its slot as soon as
// it serves, and says whether the other has gone.
func (l *loop) succeed(slot, replacement int, order message, now time.Time) (gone bool, err error) {
	p := l.state.process(replacement)
	if p == nil || !p.live() {
		return false, fmt.Errorf("the replacement in slot %d did not get ready: %s", slot, l.endOf(replacement))
	}
	if p.Phase == Starting {
		return false, nil
	}
	gone = true
	for i := range l.state.Processes {
		if old := &l.state.Processes[i]; old.Slot == slot && old.Serial != replacement {
			l.drain(old, order, now)
			gone = false
		}
	}
	return gone, nil
}
