// Package portrait turns what a supervisor knows of a group into what package
// meta shows of it: processes, events, findings and configuration.
package portrait

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/prefork"
)

// silence is how long nothing may have been heard of a process that is well:
// it is asked each second.
const silence = 3 * time.Second

// Name is what a process is called on pages: w1, or by its role.
func Name(p prefork.Process) string {
	if p.Role != prefork.WorkerRole {
		return p.Role
	}
	name := fmt.Sprintf("w%d", p.Slot)
	switch {
	case p.Slot == 0: // the group is this process
		return "this"
	case p.Phase == prefork.Draining || p.Phase == prefork.Expelled:
		return fmt.Sprintf("%s, old (%d)", name, p.PID)
	case p.Phase == prefork.Starting:
		return name + ", new"
	}
	return name
}

// Group is what is shown of a group in this state.
func Group(s prefork.State, now time.Time) meta.Group {
	g := meta.Group{
		Phase: string(s.Phase), Why: s.Why, State: groupState(s.Phase), Generation: s.Generation, Started: s.Started,
		Events: events(s, now),
	}
	if s.Workers > 0 {
		g.Processes = append(g.Processes, meta.Process{
			Name: "supervisor", PID: s.PID, State: data.OK, Word: "watching", Started: s.Started, Heard: now,
		})
	}
	sorted := slices.Clone(s.Processes)
	slices.SortStableFunc(sorted, func(a, b prefork.Process) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Serial, b.Serial))
	})
	for _, p := range sorted {
		g.Processes = append(g.Processes, process(s, p, now))
	}
	for _, slot := range s.Slots {
		if !slices.ContainsFunc(s.Processes, func(p prefork.Process) bool { return p.Slot == slot.ID }) {
			g.Processes = append(g.Processes, empty(s, slot, now))
		}
	}
	return g
}

// rank puts helpers before workers, and those that go last.
func rank(p prefork.Process) int {
	switch {
	case p.Role != prefork.WorkerRole:
		return 0
	case p.Phase == prefork.Draining || p.Phase == prefork.Expelled:
		return 2
	}
	return 1
}

func groupState(p prefork.GroupPhase) data.State {
	switch p {
	case prefork.GroupServing:
		return data.OK
	case prefork.GroupCrashLooping:
		return data.Wrong
	}
	return data.Busy
}

func process(s prefork.State, p prefork.Process, now time.Time) meta.Process {
	m := meta.Process{
		Name: Name(p), Serves: p.Role == prefork.WorkerRole, PID: p.PID, Generation: p.Generation,
		Word: string(p.Phase), Why: p.Why, Started: p.Started, Heard: p.Heard,
		Requests: float64(p.Counts.Ended), Running: float64(p.Counts.Running()), Open: float64(p.Counts.Open()),
		Last: lastExit(s, p.Slot, now),
	}
	switch p.Phase {
	case prefork.Serving:
		m.State = data.OK
	case prefork.Expelled:
		m.State = data.Wrong
	default:
		m.State = data.Busy
	}
	if !m.Serves && m.State == data.OK {
		m.Word = "answering"
	}
	if quiet := now.Sub(p.Heard); m.State == data.OK && s.Workers > 0 && !p.Heard.IsZero() && quiet > silence {
		m.State, m.Word = data.Wrong, "silent"
		m.Why = "no sign of life for " + human.Age(quiet)
	}
	return m
}

// empty is a place that no process fills.
func empty(s prefork.State, slot prefork.Slot, now time.Time) meta.Process {
	name := fmt.Sprintf("w%d", slot.ID)
	if slot.Role != prefork.WorkerRole {
		name = slot.Role
	}
	m := meta.Process{
		Name: name, Serves: slot.Role == prefork.WorkerRole, State: data.Wrong, Word: "missing",
		Why: "it has ended and is not started yet", Last: lastExit(s, slot.ID, now),
	}
	if slot.NotBefore.After(now) {
		m.Why = "the next start is put off until " + human.Clock(slot.NotBefore) + ", after failures"
	}
	return m
}

func lastExit(s prefork.State, slot int, now time.Time) string {
	for _, d := range slices.Backward(s.Deaths) {
		if d.Slot == slot {
			return human.Ago(d.Ended, now) + ": " + reason(d)
		}
	}
	return "never"
}

func reason(d prefork.Death) string {
	why, _, _ := strings.Cut(d.Why, "\n")
	switch {
	case why == "":
		return d.Exit.String()
	case d.Expected, strings.Contains(why, d.Exit.String()):
		return why
	}
	return why + ", " + d.Exit.String()
}
