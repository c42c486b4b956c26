package prefork

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A reload goes through the slots one by one: it starts a replacement, waits
// until that serves, drains the old one and waits until it has gone. So there
// is never more than one process beyond the usual number, and never a serving
// one fewer.

// beginReload starts a reload. One that is under way is not disturbed.
func (l *loop) beginReload(now time.Time) error {
	switch {
	case l.state.Phase == GroupStopping:
		return ErrStopped
	case l.state.Reload != nil:
		return fmt.Errorf("%w: a reload has been under way for %v", ErrBusy, now.Sub(l.state.Reload.Since).Round(time.Millisecond))
	case !l.wasReady:
		return fmt.Errorf("%w: the group has not started yet", ErrBusy)
	}
	l.state.Generation++
	r := &Reload{Since: now}
	for _, s := range l.state.Slots {
		r.Slots = append(r.Slots, s.ID)
	}
	l.state.Reload = r
	l.log.Info("reload begins", "generation", l.state.Generation)
	return nil
}

// advanceReload takes the next step that is possible.
func (l *loop) advanceReload(now time.Time) {
	r := l.state.Reload
	if r == nil || l.state.Cycle != nil { // a cycle that is under way comes to its end first
		return
	}
	for len(r.Slots) > 0 {
		if !l.reloadSlot(l.state.slot(r.Slots[0]), now) {
			return
		}
		r.Slots, r.Replacement = slices.Delete(r.Slots, 0, 1), 0
	}
	l.endReload(nil, now)
}

// reloadSlot says whether the slot is done. If its replacement fails, it ends
// the reload.
func (l *loop) reloadSlot(s *Slot, now time.Time) (done bool) {
	r := l.state.Reload
	if r.Replacement == 0 {
		if l.fresh(s.ID) {
			return true // the old one died, and what fills the slot is of the new generation
		}
		if s.Trouble.looping(now) || s.Role == WorkerRole && l.state.Trouble.looping(now) {
			l.endReload(fmt.Errorf("%s %d is crash-looping", s.Role, s.ID), now)
			return false
		}
		if !l.state.filled(s.ID) {
			return false // until it is filled again
		}
		if s.Role == WorkerRole && l.state.count(WorkerRole, Starting) > 0 {
			return false
		}
		if r.Replacement = l.start(s, now); r.Replacement == 0 {
			l.endReload(errors.New("a new process cannot be started, see the log"), now)
		}
		return false
	}
	gone, err := l.succeed(s.ID, r.Replacement, message{Drain: "reload"}, now)
	if err != nil {
		l.endReload(fmt.Errorf("%s %d of the new generation: %w", s.Role, s.ID, err), now)
	}
	return gone
}

// fresh says whether a process of the present generation serves in a slot.
func (l *loop) fresh(slot int) bool {
	return slices.ContainsFunc(l.state.Processes, func(p Process) bool {
		return p.Slot == slot && p.Phase == Serving && p.Generation == l.state.Generation
	})
}

// replacing says whether p is the process by which a reload or a cycle replaces
// another one that serves.
func (l *loop) replacing(p *Process) bool {
	r, c := l.state.Reload, l.state.Cycle
	takesOver := r != nil && r.Replacement == p.Serial || c != nil && c.Replacement == p.Serial
	return takesOver && slices.ContainsFunc(l.state.Processes, func(q Process) bool {
		return q.Slot == p.Slot && q.Serial != p.Serial && q.live()
	})
}

// endOf says why a process ended, or is about to.
func (l *loop) endOf(serial int) string {
	if p := l.state.process(serial); p != nil {
		return p.Why
	}
	for _, d := range slices.Backward(l.state.Deaths) {
		if d.Serial == serial {
			return d.Why
		}
	}
	return "it ended"
}

// endReload answers those who wait for it.
func (l *loop) endReload(err error, now time.Time) {
	r := l.state.Reload
	if r == nil {
		return
	}
	took := now.Sub(r.Since).Round(time.Millisecond)
	last := &LastReload{Began: r.Since, Ended: now}
	if err != nil {
		last.Error = clip(err.Error())
		l.log.Error("reload failed, the old processes serve on", "error", err, "after", took)
	} else {
		l.log.Info("reload done", "generation", l.state.Generation, "after", took)
	}
	l.state.Reload, l.state.LastReload = nil, last
	for _, reply := range l.reloaders {
		reply <- result{err: err}
	}
	l.reloaders = nil
}
