package prefork

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

// loop is a running supervisor. One goroutine owns it: it takes in what has
// happened (take), then looks at the whole state and does what is due (step),
// again and again. Everything that takes time happens elsewhere and comes back
// as an event.
type loop struct {
	limits   Limits
	share    share
	sys      system
	log      *slog.Logger
	state    State
	children map[int]*child // by serial
	events   chan event
	ready    chan struct{} // to be closed when all workers are
	closing  chan struct{} // closed when the loop has ended

	beaten      time.Time // when the last heartbeat was asked for
	awoke       time.Time // when this process last ran again after it had not for a while
	lonely      time.Time // since when no worker has been serving; zero while one is
	admit       func()    // ends refusing connections, while they are refused
	wasReady    bool
	examined    time.Time // when workers were last looked at
	hurried     bool      // they are to be looked at again soon
	defaultMark bool      // nobody has asked for the memory mark

	waiting   time.Time // since when a connection has been waiting at each look; zero if none does
	lastStuck time.Time // when a worker was last expelled for being stuck
	failure   error     // why Run is to end with an error
	reloaders []chan result
}

// event is what has happened to a child.
type event struct {
	serial int
	ready  bool
	failed string
	drains string // it has begun to drain by itself, and why
	worn   string // it wants to be replaced, and why
	exit   *Exit
}

const heartbeat = time.Second

// run goes on until the group has stopped.
func (l *loop) run(ctx context.Context, commands <-chan command) error {
	defer close(l.closing)
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for {
		wake := l.step(time.Now())
		if l.state.Phase == GroupStopping && len(l.state.Processes) == 0 {
			l.end()
			return l.failure
		}
		timer.Reset(time.Until(wake))
		select {
		case e := <-l.events:
			l.take(e, time.Now())
		case c := <-commands:
			l.obey(c, time.Now())
		case <-stop:
			stop = nil
			l.stop(context.Cause(ctx).Error(), time.Now())
		case <-timer.C:
		}
	}
}

func (l *loop) end() {
	l.stopRefusing()
	for _, r := range l.reloaders {
		r <- result{err: ErrStopped}
	}
}

// step does all that is due at now and returns when to look again.
func (l *loop) step(now time.Time) (wake time.Time) {
	l.beat(now)
	l.examine(now)
	for i := range l.state.Processes {
		l.judge(&l.state.Processes[i], now)
		l.pardon(&l.state.Processes[i], now)
	}
	l.advanceReload(now)
	l.advanceCycle(now)
	l.fill(now)
	l.settle(now)
	l.watchTheDoor(now)
	return l.wake(now)
}

// drain tells p to finish what it has and go.
func (l *loop) drain(p *Process, order message, now time.Time) {
	if !p.live() {
		return
	}
	l.log.Info("process drains", append(p.attrs(), "why", order.Drain)...)
	p.Phase, p.Why, p.Left = Draining, order.Drain, now
	order.Stopping = l.state.Phase == GroupStopping
	l.children[p.Serial].send(order)
}

// fill starts what is missing, one unproven worker at a time.
func (l *loop) fill(now time.Time) {
	if l.state.Phase == GroupStopping {
		return
	}
	for i := range l.state.Slots {
		s := &l.state.Slots[i]
		if s.Role == WorkerRole && (l.state.count(WorkerRole, Starting) > 0 || now.Before(l.state.NotBefore)) {
			continue
		}
		if !l.state.filled(s.ID) && !now.Before(s.NotBefore) {
			l.start(s, now)
		}
	}
}

// start brings a process into a slot and returns its serial, or 0.
func (l *loop) start(s *Slot, now time.Time) int {
	l.mend() // or the new process could not use them
	l.state.Serial++
	p := Process{
		Serial: l.state.Serial, Slot: s.ID, Role: s.Role, Seat: l.state.freeSeat(), Generation: l.state.Generation,
		Phase: Starting, Started: now, Heard: now, Moved: now,
		Luck: rand.Float64(),
	}
	c, err := l.sys.spawn(&l.state, p)
	if err != nil {
		s.NotBefore = now.Add(max(s.Trouble.add(now), firstDelay))
		l.log.Error("process cannot be started", "role", s.Role, "slot", s.ID, "error", err, "next_try_in", s.NotBefore.Sub(now))
		return 0
	}
	p.PID = c.pid
	l.state.Processes = append(l.state.Processes, p)
	l.children[p.Serial] = c
	c.follow(p.Serial, l.events, l.closing)
	return p.Serial
}

// take notes what has happened to a child.
func (l *loop) take(e event, now time.Time) {
	p := l.state.process(e.serial)
	if p == nil {
		return
	}
	switch {
	case e.exit != nil:
		l.bury(p, *e.exit, now)
	case e.failed != "":
		p.Failure = e.failed
	case e.ready && p.Phase == Starting:
		p.Phase, p.Ready, p.Heard, p.Moved, p.Took = Serving, now, now, now, now
		if p.Role == WorkerRole {
			l.check(p, now)
		}
		l.log.Info("process serves", append(p.attrs(), "after", now.Sub(p.Started).Round(time.Millisecond))...)
	case e.worn != "":
		p.Worn = e.worn
	case e.drains != "" && p.live():
		p.Phase, p.Why, p.Left = Draining, e.drains, now
		l.log.Info("process drains", append(p.attrs(), "why", e.drains)...)
		if p.served(now) < proven && !l.replacing(p) {
			l.delay(p, now) // its slot is empty from now on, not only when it has ended
		}
	}
}

// obey carries out a command, or begins to.
func (l *loop) obey(c command, now time.Time) {
	switch c.do {
	case doState:
		for i := range l.state.Processes {
			l.audit(&l.state.Processes[i], now)
		}
		c.reply <- result{state: l.state.clone()}
	case doReload:
		if err := l.beginReload(now); err != nil {
			c.reply <- result{err: err}
			return
		}
		l.reloaders = append(l.reloaders, c.reply)
	case doKill:
		l.stop("asked to end at once", now)
		for i := range l.state.Processes {
			p := &l.state.Processes[i]
			if !p.KillAt.IsZero() {
				continue // it has been told, and is not given more time
			}
			l.children[p.Serial].send(message{Now: true})
			p.Phase, p.Why, p.Left, p.KillAt = Draining, "asked to end at once", now, now.Add(time.Second)
		}
		c.reply <- result{}
	case doScale:
		c.reply <- result{err: l.scale(c.workers, now)}
	case doScaleBy:
		c.reply <- result{err: l.scale(l.state.Workers+c.workers, now)}
	case doSetCycling:
		c.reply <- result{err: l.setCycling(c.marks)}
	case doCycle:
		c.reply <- result{err: l.cycle(c.slot, now)}
	case doStop:
		l.stop("asked to", now)
		c.reply <- result{}
	}
}

// stop has the workers drain. Helpers go when the last worker has gone.
func (l *loop) stop(why string, now time.Time) {
	if l.state.Phase == GroupStopping {
		return
	}
	l.log.Info("group stops", "why", why)
	l.state.Phase, l.state.Why = GroupStopping, why
	l.sys.notify("STOPPING=1")
	l.endReload(errors.New("the group stops"), now)
	l.state.Cycle = nil
	l.stopRefusing()
	l.sys.close(l.state.Sockets)
	for i := range l.state.Processes {
		if p := &l.state.Processes[i]; p.Role == WorkerRole {
			l.drain(p, message{Drain: "stop"}, now)
		}
	}
}

// settle derives the group's phase from those of its processes.
func (l *loop) settle(now time.Time) {
	serving := l.state.count(WorkerRole, Serving)
	if l.state.Phase == GroupStopping {
		if l.state.count(WorkerRole, Starting, Serving, Draining, Expelled) == 0 {
			for i := range l.state.Processes {
				l.drain(&l.state.Processes[i], message{Drain: "stop"}, now)
			}
		}
		return
	}
	if !l.wasReady && serving == l.state.Workers && l.helpersServe() {
		l.wasReady = true
		close(l.ready)
		l.log.Info("group serves", "at", l.state.addresses(), "workers", serving, "pid", l.state.PID)
		l.sys.notify("READY=1")
	}
	l.state.Phase, l.state.Why = l.phase(serving, now)
}

func (l *loop) phase(serving int, now time.Time) (GroupPhase, string) {
	if l.state.Trouble.looping(now) && serving < l.state.Workers {
		return GroupCrashLooping, fmt.Sprintf("workers have failed to start %d times in a row", int(l.state.Trouble.Count+0.5))
	}
	for _, s := range l.state.Slots {
		if s.Trouble.looping(now) && !l.slotProven(s.ID, now) {
			return GroupCrashLooping, fmt.Sprintf("%s %d has failed to start %d times in a row", s.Role, s.ID, int(s.Trouble.Count+0.5))
		}
	}
	switch {
	case l.state.Reload != nil:
		return GroupReloading, ""
	case serving < l.state.Workers:
		return GroupStarting, fmt.Sprintf("%d of %d workers serve", serving, l.state.Workers)
	}
	return GroupServing, ""
}

// pardon forgets failed starts once a worker that was started after them has
// shown that it can serve.
func (l *loop) pardon(p *Process, now time.Time) {
	if p.Role == WorkerRole && p.Phase == Serving && p.Started.After(l.state.Trouble.At) && p.served(now) >= proven {
		l.state.Trouble = Trouble{}
	}
}

// slotProven says whether a process in the slot has served long enough to
// show that it can.
func (l *loop) slotProven(slot int, now time.Time) bool {
	return slices.ContainsFunc(l.state.Processes, func(p Process) bool {
		return p.Slot == slot && p.Phase == Serving && now.Sub(p.Ready) >= proven
	})
}

func (l *loop) helpersServe() bool {
	return !slices.ContainsFunc(l.state.Slots, func(s Slot) bool {
		return s.Role != WorkerRole && l.state.count(s.Role, Serving) == 0
	})
}

// wake is when step has something to do even if nothing happens.
func (l *loop) wake(now time.Time) time.Time {
	next := l.beaten.Add(heartbeat)
	sooner := func(t time.Time) {
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	for _, s := range l.state.Slots {
		sooner(s.NotBefore)
	}
	for _, p := range l.state.Processes {
		sooner(p.KillAt)
		sooner(p.Started.Add(l.limits.Start))
		sooner(p.Heard.Add(l.limits.Silence))
		sooner(p.Moved.Add(l.limits.Stuck))
		if !p.Left.IsZero() {
			sooner(p.Left.Add(l.limits.Drain))
		}
	}
	if l.hurried {
		sooner(l.examined.Add(glance))
	}
	sooner(l.state.NoCycleBefore)
	sooner(l.state.NotBefore)
	if !l.lonely.IsZero() {
		sooner(l.lonely.Add(lonelyGrace))
	}
	return next
}

// attrs names p in a log record.
func (p *Process) attrs() []any {
	return []any{"role", p.Role, "slot", p.Slot, "pid", p.PID, "generation", p.Generation}
}

// String says it as a shell user would.
func (e Exit) String() string {
	if e.Signal != "" {
		return "killed by " + e.Signal
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
