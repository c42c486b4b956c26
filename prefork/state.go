package prefork

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/internal/turns"
)

// State is all that a supervisor knows: one value that can be written out as
// JSON and read back, so that another process can go on from it.
type State struct {
	Name       string      `json:"name"`
	PID        int         `json:"pid"`
	Phase      GroupPhase  `json:"phase"`
	Why        string      `json:"why,omitempty"` // of a phase that is not "serving"
	Workers    int         `json:"workers"`       // wanted
	Cycling    Cycling     `json:"cycling"`       // marks in force
	Generation int         `json:"generation"`    // counts reloads
	Started    time.Time   `json:"started"`
	Sockets    []Bound     `json:"sockets"`
	Slots      []Slot      `json:"slots"`
	Processes  []Process   `json:"processes"`
	Reload     *Reload     `json:"reload,omitempty"`      // under way
	LastReload *LastReload `json:"last_reload,omitempty"` // that has ended
	Cycle      *Cycle      `json:"cycle,omitempty"`       // under way
	Cycles     int         `json:"cycles,omitempty"`      // complete ones
	Deaths     []Death     `json:"deaths,omitempty"`      // the newest last, at most maxDeaths

	Trouble   Trouble   `json:"trouble,omitzero"`    // workers that have never been ready
	NotBefore time.Time `json:"not_before,omitzero"` // of the next start of a worker

	CycleTrouble  Trouble   `json:"cycle_trouble,omitzero"` // replacements that did not get ready
	NoCycleBefore time.Time `json:"no_cycle_before,omitzero"`

	Serial int `json:"serial"` // of the process started last
}

// maxDeaths bounds the memory of ends.
const maxDeaths = 100

// GroupPhase says what a group is doing.
type GroupPhase string

// The phases of a group.
const (
	GroupStarting     GroupPhase = "starting"
	GroupServing      GroupPhase = "serving"
	GroupReloading    GroupPhase = "reloading"
	GroupCrashLooping GroupPhase = "crash-looping" // at least one worker dies again and again as it starts
	GroupStopping     GroupPhase = "stopping"
)

// Bound is a socket that is open.
type Bound struct {
	Socket
	Actual     string `json:"actual"`     // the address that the kernel gave
	Descriptor int    `json:"descriptor"` // in the supervisor
}

// Slot is a place that one process is to fill at all times.
type Slot struct {
	ID        int       `json:"id"` // of workers from 1; helpers follow
	Role      string    `json:"role"`
	Trouble   Trouble   `json:"trouble"`             // failed starts
	Kills     Trouble   `json:"kills"`               // quick deaths by SIGKILL
	NotBefore time.Time `json:"not_before,omitzero"` // of the next start
}

// Phase says how far a process has come.
type Phase string

// The phases of a process.
const (
	Starting Phase = "starting"
	Serving  Phase = "serving"
	Draining Phase = "draining" // has stopped accepting and finishes what it has
	Expelled Phase = "expelled" // is being killed
)

// Process is a copy of the program that has not ended.
type Process struct {
	Serial     int       `json:"serial"` // never used again by this supervisor
	Slot       int       `json:"slot"`
	Role       string    `json:"role"`
	Seat       int       `json:"seat"` // at the board where workers take turns
	PID        int       `json:"pid"`
	Generation int       `json:"generation"`
	Phase      Phase     `json:"phase"`
	Why        string    `json:"why,omitempty"` // it drains or is expelled
	Started    time.Time `json:"started"`
	Ready      time.Time `json:"ready,omitzero"`
	Left       time.Time `json:"left,omitzero"` // began to drain, or was expelled
	Heard      time.Time `json:"heard"`         // the last sign of life
	Moved      time.Time `json:"moved"`         // requests ended, or none was waiting to
	Took       time.Time `json:"took,omitzero"` // a connection, or had others to serve
	Counts     Counts    `json:"counts"`
	Doubtful   string    `json:"doubtful,omitempty"` // why Counts is not to be trusted
	Failure    string    `json:"failure,omitempty"`  // what it reported as it failed to start
	Worn       string    `json:"worn,omitempty"`     // why it wants to be replaced
	KillAt     time.Time `json:"kill_at,omitzero"`
	Vitals     Vitals    `json:"vitals,omitzero"` // of workers
	Empty      int64     `json:"empty,omitempty"` // bytes that it used when it got ready
	Over       Over      `json:"over,omitzero"`
	Luck       float64   `json:"luck"` // from 0 to 1, for what is not to happen to all at once
}

// live says whether p fills its slot, now or soon.
func (p *Process) live() bool { return p.Phase == Starting || p.Phase == Serving }

// served is how long ago p got ready; 0 if it has not.
func (p *Process) served(now time.Time) time.Duration {
	if p.Ready.IsZero() {
		return 0
	}
	return now.Sub(p.Ready)
}

// Death is the end of a process, as far as it is known.
type Death struct {
	Serial     int       `json:"serial"`
	Slot       int       `json:"slot"`
	Role       string    `json:"role"`
	PID        int       `json:"pid"`
	Generation int       `json:"generation"`
	Phase      Phase     `json:"phase"` // in which it ended
	Why        string    `json:"why"`
	Exit       Exit      `json:"exit"`
	Started    time.Time `json:"started"`
	Ended      time.Time `json:"ended"`
	Expected   bool      `json:"expected"` // it had been told to go
	Counts     Counts    `json:"counts"`
	Vitals     Vitals    `json:"vitals,omitzero"` // when it was last looked at
	LostLeast  uint64    `json:"lost_least"`      // requests, see internal/ledger
	LostMost   uint64    `json:"lost_most"`
	Panic      string    `json:"panic,omitempty"`      // what the Go runtime gave as the reason
	Output     string    `json:"output,omitempty"`     // all that it wrote as the process died, at most maxOutput
	LastLines  string    `json:"last_lines,omitempty"` // of its standard output and error, if Supervisor.Output is set; at most 4 KiB
}

// What is kept of the stacks of those that died: all of it, up to maxOutput, of
// the newest few, and of the others the beginning.
const (
	maxOutput     = 1 << 20
	wholeOutputs  = 4
	clippedOutput = 4 << 10
)

// Exit is how a process ended: with a code, or by a signal.
type Exit struct {
	Code   int    `json:"code"`
	Signal string `json:"signal,omitempty"`
}

// Reload is under way.
type Reload struct {
	Since       time.Time `json:"since"`
	Slots       []int     `json:"slots"`                 // still to do; the first is being done
	Replacement int       `json:"replacement,omitempty"` // serial of the process that takes over
}

// LastReload is a reload that has ended.
type LastReload struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	Error string    `json:"error,omitempty"`
}

func (s *State) process(serial int) *Process {
	for i := range s.Processes {
		if s.Processes[i].Serial == serial {
			return &s.Processes[i]
		}
	}
	return nil
}

// addresses are where the group listens.
func (s *State) addresses() string {
	var all []string
	for _, b := range s.Sockets {
		all = append(all, b.Actual)
	}
	return strings.Join(all, ",")
}

func (s *State) slot(id int) *Slot {
	for i := range s.Slots {
		if s.Slots[i].ID == id {
			return &s.Slots[i]
		}
	}
	return nil
}

// freeSeat is the first at which no process sits, of as many as there can be.
func (s *State) freeSeat() int {
	taken := make(map[int]bool)
	for _, p := range s.Processes {
		taken[p.Seat] = true
	}
	seat := 0
	for taken[seat] && seat < turns.Seats-1 {
		seat++
	}
	return seat
}

// filled says whether a process is, or soon will be, in the slot.
func (s *State) filled(slot int) bool {
	return slices.ContainsFunc(s.Processes, func(p Process) bool { return p.Slot == slot && p.live() })
}

// count is the number of processes of a role in one of the phases.
func (s *State) count(role string, phases ...Phase) int {
	n := 0
	for _, p := range s.Processes {
		if p.Role == role && slices.Contains(phases, p.Phase) {
			n++
		}
	}
	return n
}

func (s *State) bury(d Death) {
	s.Deaths = append(s.Deaths, d)
	if extra := len(s.Deaths) - maxDeaths; extra > 0 {
		s.Deaths = slices.Delete(s.Deaths, 0, extra)
	}
	if old := len(s.Deaths) - wholeOutputs - 1; old >= 0 {
		s.Deaths[old].Output = clip(s.Deaths[old].Output)
	}
}

// clip keeps the beginning of what a process said or wrote as it died, where
// the reason stands.
func clip(text string) string {
	return strings.Clone(text[:min(len(text), clippedOutput)])
}

// brief returns a copy that fits on a line of the control protocol, whatever
// processes have written: of that only the beginning, and of what is oldest
// nothing if it gets too much.
func (s *State) brief() State {
	c := s.clone()
	room := control.MaxLine / 4
	cut := func(text *string) {
		*text = clip(*text)
		quoted, _ := json.Marshal(*text) // which can be six times as long
		if room -= len(quoted); room < 0 {
			*text = ""
		}
	}
	for i := range c.Processes {
		cut(&c.Processes[i].Failure)
	}
	for i := range slices.Backward(c.Deaths) {
		cut(&c.Deaths[i].Why)
		cut(&c.Deaths[i].Panic)
		cut(&c.Deaths[i].Output)
		cut(&c.Deaths[i].LastLines)
	}
	return c
}

// clone returns a copy that shares nothing with s that changes.
func (s *State) clone() State {
	c := *s
	c.Sockets = slices.Clone(s.Sockets)
	c.Slots = slices.Clone(s.Slots)
	c.Processes = slices.Clone(s.Processes)
	c.Deaths = slices.Clone(s.Deaths)
	if s.Reload != nil {
		r := *s.Reload
		r.Slots = slices.Clone(r.Slots)
		c.Reload = &r
	}
	if s.Cycle != nil {
		cycle := *s.Cycle
		c.Cycle = &cycle
	}
	return c
}
