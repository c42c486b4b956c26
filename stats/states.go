package stats

import (
	"cmp"
	"strings"
	"sync"
	"time"
)

// States follows things that are each in one of a few states, such as
// connections that read, work, write or idle: how many are in each state, how
// long they stay, and from which they go where (a Markov chain). It is safe
// for concurrent use. States come from a Registry; a nil one will do.
type States struct {
	clock *clock
	lanes *lanes

	mu     sync.Mutex
	names  []string
	states []*state
}

// State is one of the states of a States. It belongs to the States that gave
// it out.
type State int

// MaxStates is how many states a States tells apart.
const MaxStates = 32

// Overflow is the name of what takes what there is no room for.
const Overflow = "overflow"

// outside is where a Visitor comes from and goes to: the last of a state's
// moves.
const outside State = MaxStates

type state struct {
	present int64
	// since is the sum of the times at which those present came. It wraps
	// around, and so does what is subtracted from it: the difference is right.
	since int64
	begun uint64                // times that something entered here from outside
	moves [MaxStates + 1]uint64 // to each state; the last is outside
	stays *Distribution         // seconds of those that have left
}

// State returns the state of that name. Look it up once. Names are cleaned as
// values of labels are, and an empty one is unnamed; from the 32nd on all are
// one, called overflow.
func (s *States) State(name string) State {
	name = cmp.Or(cleanValue(name), "unnamed")
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, n := range s.names {
		if n == name {
			return State(i)
		}
	}
	if len(s.names) == MaxStates {
		return MaxStates - 1
	}
	if len(s.names) == MaxStates-1 {
		name = Overflow
	}
	s.names = append(s.names, strings.Clone(name))
	s.states = append(s.states, &state{stays: newDistribution(s.lanes, s.clock)})
	return State(len(s.names) - 1)
}

// Visitor is one thing that goes from state to state. It is not safe for
// concurrent use. The zero Visitor belongs nowhere and its methods do nothing.
type Visitor struct {
	states *States
	state  State
	since  int64
}

// Enter begins to follow something that is in state to. The caller must end
// with Leave.
func (s *States) Enter(to State) Visitor {
	v := Visitor{states: s, state: outside}
	v.Transition(to)
	return v
}

// EnterAt is Enter at a time that the caller knows anyway.
func (s *States) EnterAt(to State, at time.Time) Visitor {
	v := Visitor{states: s, state: outside}
	v.TransitionAt(to, at)
	return v
}

// Transition moves the visitor to another state, or to the same again, which
// counts as a transition. It reads the clock once.
func (v *Visitor) Transition(to State) {
	if v.states != nil {
		v.move(to, v.states.clock.exact())
	}
}

// TransitionAt is Transition at a time that the caller knows anyway. A time
// before the last transition counts as that.
func (v *Visitor) TransitionAt(to State, at time.Time) {
	if v.states != nil {
		v.move(to, v.states.clock.at(at))
	}
}

// Leave ends the visit. Later calls of any method do nothing.
func (v *Visitor) Leave() {
	v.Transition(outside)
	v.states = nil
}

// LeaveAt is Leave at a time that the caller knows anyway.
func (v *Visitor) LeaveAt(at time.Time) {
	v.TransitionAt(outside, at)
	v.states = nil
}

func (v *Visitor) move(to State, now int64) {
	now = max(now, v.since)
	if left := v.states.move(v.state, to, v.since, now); left != nil {
		left.add(time.Duration(now-v.since).Seconds(), now)
	}
	v.state, v.since = to, now
}

// move books a transition and returns where the stay that has ended belongs.
func (s *States) move(from, to State, since, now int64) (stays *Distribution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to != outside {
		in := s.states[to]
		in.present++
		in.since += now
		if from == outside {
			in.begun++
			return nil
		}
	}
	left := s.states[from]
	left.present--
	left.since -= since
	left.moves[to]++
	return left.stays
}

// Snapshot returns what has been seen so far.
func (s *States) Snapshot() *StatesSnapshot { return s.snapshotAt(s.clock.read()) }

func (s *States) snapshot(now int64) Value { return s.snapshotAt(now) }

func (s *States) snapshotAt(now int64) *StatesSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := &StatesSnapshot{}
	for i, name := range s.names {
		snap.add(name, s.states[i], s.names, now)
	}
	snap.sort()
	return snap
}

func (s *States) fold(now int64) {
	s.mu.Lock()
	states := s.states
	s.mu.Unlock()
	for _, st := range states {
		st.stays.fold(now)
	}
}
