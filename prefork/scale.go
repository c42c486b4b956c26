package prefork

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Scale sets the number of workers, from Limits.Floor to Limits.Ceiling. It
// returns when the change has begun: State shows how far it has come. Those
// that are too many drain, the newest first. How many Ps and how much memory
// the other workers have is settled when they are replaced, as by a Reload.
func (s *Supervisor) Scale(ctx context.Context, workers int) error {
	_, err := s.command(ctx, command{do: doScale, workers: workers})
	return err
}

// ScaleBy is Scale for more workers than there are now, or below 0 for fewer.
func (s *Supervisor) ScaleBy(ctx context.Context, workers int) error {
	_, err := s.command(ctx, command{do: doScaleBy, workers: workers})
	return err
}

// Cycle replaces the worker in a slot, whatever it has used: another one is ready
// before it drains. It returns when the replacement has been started.
func (s *Supervisor) Cycle(ctx context.Context, slot int) error {
	_, err := s.command(ctx, command{do: doCycle, slot: slot})
	return err
}

// SetCycling replaces the marks of Limits. A cycle that is under way comes to
// its end.
func (s *Supervisor) SetCycling(ctx context.Context, marks Cycling) error {
	_, err := s.command(ctx, command{do: doSetCycling, marks: marks})
	return err
}

func (l *loop) setCycling(c Cycling) error {
	if err := c.check(); err != nil {
		return err
	}
	c = l.share.marks(c, l.state.Workers)
	if err := l.share.surge(l.state.Workers, c.Memory); err != nil {
		return err
	}
	l.log.Info("marks set", "marks", c)
	l.compareLimit(c.Memory)
	l.state.Cycling = c
	for i := range l.state.Processes {
		l.state.Processes[i].Over = Over{}
	}
	return nil
}

// compareLimit says what is odd about a memory mark, and yet cannot be refused.
func (l *loop) compareLimit(mark int64) {
	if odd := l.share.starves(mark); odd != "" {
		l.log.Warn("workers may not come to their mark", "why", odd)
	}
}

func (l *loop) scale(workers int, now time.Time) error {
	floor, ceiling := l.limits.Floor, l.limits.Ceiling
	switch {
	case l.state.Phase == GroupStopping:
		return ErrStopped
	case workers < floor || workers > ceiling:
		return fmt.Errorf("prefork: %d workers: want from %d to %d (Limits.Floor and Limits.Ceiling)", workers, floor, ceiling)
	}
	if err := l.share.surge(workers, l.state.Cycling.Memory); err != nil {
		return err
	}
	if workers != l.state.Workers {
		l.log.Info("group is scaled", "from", l.state.Workers, "to", workers)
	}
	for l.state.Workers < workers {
		l.state.addSlot()
	}
	for l.state.Workers > workers {
		l.removeSlot(now)
	}
	return nil
}

// addSlot makes room for another worker.
func (s *State) addSlot() {
	id := 1
	for s.slot(id) != nil {
		id++
	}
	s.Slots = append(s.Slots, Slot{ID: id, Role: WorkerRole})
	s.Workers++
}

// removeSlot takes the newest worker's place away: one where nobody serves, if
// there is one.
func (l *loop) removeSlot(now time.Time) {
	victim := -1
	for i, s := range slices.Backward(l.state.Slots) {
		if s.Role != WorkerRole {
			continue
		}
		if victim < 0 {
			victim = i
		}
		if !l.serves(s.ID) {
			victim = i
			break
		}
	}
	id := l.state.Slots[victim].ID
	l.state.Slots = slices.Delete(l.state.Slots, victim, victim+1)
	l.state.Workers--
	if r := l.state.Reload; r != nil {
		if at := slices.Index(r.Slots, id); at >= 0 {
			r.Slots = slices.Delete(r.Slots, at, at+1)
			if at == 0 {
				r.Replacement = 0
			}
		}
	}
	if c := l.state.Cycle; c != nil && c.Slot == id {
		l.state.Cycle = nil
	}
	for i := range l.state.Processes {
		if p := &l.state.Processes[i]; p.Slot == id {
			l.drain(p, message{Drain: "the group is scaled down"}, now)
		}
	}
}

// serves says whether a process serves in a slot.
func (l *loop) serves(slot int) bool {
	return slices.ContainsFunc(l.state.Processes, func(p Process) bool { return p.Slot == slot && p.Phase == Serving })
}
