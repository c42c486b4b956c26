package prefork

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// bury takes a process that has ended off the list, with the account of what
// it took along.
func (l *loop) bury(p *Process, exit Exit, now time.Time) {
	l.audit(p, now)
	c := l.children[p.Serial]
	c.signal(kill) // what it has started and left behind, in its process group
	d := Death{
		Serial: p.Serial, Slot: p.Slot, Role: p.Role, PID: p.PID, Generation: p.Generation,
		Phase: p.Phase, Why: p.Why, Exit: exit, Started: p.Started, Ended: now,
		Expected: p.Phase == Draining, Counts: p.Counts, Vitals: p.Vitals, Output: c.output(), LastLines: c.last(),
	}
	if p.Doubtful == "" {
		d.LostLeast, d.LostMost = p.Counts.Lost()
	}
	d.Panic = clip(reason(d.Output))
	if d.Why == "" {
		d.Why = exit.String()
	}
	if p.Failure != "" {
		d.Why = clip(p.Failure)
	}
	c.release()
	gone := *p
	delete(l.children, gone.Serial)
	l.state.Processes = slices.DeleteFunc(l.state.Processes, func(q Process) bool { return q.Serial == gone.Serial })
	l.state.bury(d)
	l.report(d, &gone)
	l.blame(&gone, d, now)
}

// reason is what stands before the stacks in the output of a dying Go program: the
// text of a panic or a fatal error.
func reason(output string) string {
	text, _, _ := strings.Cut(output, "\ngoroutine ")
	if strings.HasPrefix(text, "goroutine ") {
		return ""
	}
	return strings.TrimSpace(text)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (l *loop) report(d Death, p *Process) {
	attrs := append(p.attrs(), "why", d.Why)
	if exit := d.Exit.String(); exit != d.Why {
		attrs = append(attrs, "exit", exit)
	}
	attrs = append(attrs, "after", d.Ended.Sub(d.Started).Round(time.Millisecond))
	if d.Expected && d.Exit == (Exit{}) {
		l.log.Info("process ended", attrs...)
		return
	}
	if d.Panic != "" {
		attrs = append(attrs, "panic", firstLine(d.Panic))
	}
	l.log.Error("process died", append(attrs, "lost_least", d.LostLeast, "lost_most", d.LostMost)...)
}

// blame decides whether the end of p counts as a failed start, and when its
// slot may be filled again.
//
// A process that has been ready and is then killed from outside has done
// nothing wrong, unless that goes on and on.
func (l *loop) blame(p *Process, d Death, now time.Time) {
	s := l.state.slot(p.Slot)
	if s == nil || d.Expected {
		return
	}
	served := p.served(now)
	if served >= forgiven {
		s.Trouble = Trouble{}
	}
	if served >= proven || served > 0 && d.Exit.Signal == "SIGKILL" && s.Kills.forgive(now) && !s.Trouble.looping(now) {
		s.NotBefore = now
		return
	}
	if p.Failure != "" && !l.wasReady && p.Role == WorkerRole {
		l.failure = fmt.Errorf("%s %d cannot start: %s", p.Role, p.Slot, p.Failure)
		l.stop("a worker cannot start", now)
		return
	}
	if l.replacing(p) {
		return // the reload ends with it, and the old one serves on
	}
	l.delay(p, now)
}

// delay counts a failed start and puts off the next one: in p's slot, or if p
// is a worker that has never been ready, in the whole group, since all are of
// the same program.
func (l *loop) delay(p *Process, now time.Time) {
	s := l.state.slot(p.Slot)
	if s == nil {
		return
	}
	trouble, notBefore := &s.Trouble, &s.NotBefore
	if p.Role == WorkerRole && p.Ready.IsZero() { // as any worker would have, in any slot
		trouble, notBefore = &l.state.Trouble, &l.state.NotBefore
	}
	*notBefore = now.Add(trouble.add(now))
	if trouble.looping(now) {
		l.log.Error("process is crash-looping", append(p.attrs(), "failed_starts", int(trouble.Count+0.5), "next_try_in", notBefore.Sub(now).Round(time.Millisecond))...)
	}
}
