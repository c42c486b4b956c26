package stats

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// StatesSnapshot is what a States has seen. The zero value has seen nothing.
type StatesSnapshot struct {
	States []StateSnapshot // sorted by name
	Moves  []Move          // sorted by From and To; only those that happened
}

// StateSnapshot is one state of a StatesSnapshot.
type StateSnapshot struct {
	Name    string
	Present int64                 // things in the state now; a difference may be negative
	SoFar   float64               // seconds that those present have been in it, together
	Stays   *DistributionSnapshot // seconds of those that have left
}

// Seconds is the time spent in the state by all that are or were in it.
func (s StateSnapshot) Seconds() float64 { return s.Stays.Sum + s.SoFar }

// Move counts the transitions between two states. An empty name is outside:
// where things come from and leave to.
type Move struct {
	From, To string
	Count    uint64
}

// add takes in a state that s has not.
func (s *StatesSnapshot) add(name string, st *state, names []string, now int64) {
	s.States = append(s.States, StateSnapshot{
		Name:    name,
		Present: st.present,
		SoFar:   time.Duration(max(0, st.present*now-st.since)).Seconds(),
		Stays:   st.stays.snapshotAt(now),
	})
	if st.begun > 0 {
		s.Moves = append(s.Moves, Move{"", name, st.begun})
	}
	for to, n := range st.moves {
		if n == 0 {
			continue
		}
		m := Move{From: name, Count: n}
		if State(to) != outside {
			m.To = names[to]
		}
		s.Moves = append(s.Moves, m)
	}
}

func (s *StatesSnapshot) sort() {
	slices.SortFunc(s.States, byName)
	slices.SortFunc(s.Moves, byEnds)
}

func byName(a, b StateSnapshot) int { return strings.Compare(a.Name, b.Name) }

func byEnds(a, b Move) int {
	return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
}

// State returns the state of that name; without values if there is none.
func (s *StatesSnapshot) State(name string) StateSnapshot {
	if i, ok := slices.BinarySearchFunc(s.States, StateSnapshot{Name: name}, byName); ok {
		return s.States[i]
	}
	return StateSnapshot{Name: name, Stays: &DistributionSnapshot{}}
}

// Count returns the transitions between two states; an empty name is outside.
func (s *StatesSnapshot) Count(from, to string) uint64 {
	if i, ok := slices.BinarySearchFunc(s.Moves, Move{From: from, To: to}, byEnds); ok {
		return s.Moves[i].Count
	}
	return 0
}

// Rate returns the transitions between two states for each second that
// something was in the first; 0 if nothing was. An empty to is outside.
func (s *StatesSnapshot) Rate(from, to string) float64 {
	seconds := s.State(from).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(s.Count(from, to)) / seconds
}

// Merge adds what other has seen; states are the same if their names are.
func (s *StatesSnapshot) Merge(other *StatesSnapshot) {
	for _, theirs := range other.States {
		i, ok := slices.BinarySearchFunc(s.States, theirs, byName)
		if !ok {
			theirs.Stays = theirs.Stays.clone()
			s.States = slices.Insert(s.States, i, theirs)
			continue
		}
		ours := &s.States[i]
		ours.Present += theirs.Present
		ours.SoFar += theirs.SoFar
		ours.Stays.Merge(theirs.Stays)
	}
	for _, m := range other.Moves {
		if i, ok := slices.BinarySearchFunc(s.Moves, m, byEnds); ok {
			s.Moves[i].Count += m.Count
		} else {
			s.Moves = slices.Insert(s.Moves, i, m)
		}
	}
}

// Sub returns what was added since base, an earlier snapshot of the same
// States.
func (s *StatesSnapshot) Sub(base *StatesSnapshot) *StatesSnapshot {
	delta := &StatesSnapshot{}
	for _, st := range s.States {
		was := base.State(st.Name)
		st.Present -= was.Present
		st.SoFar -= was.SoFar
		st.Stays = st.Stays.Sub(was.Stays)
		delta.States = append(delta.States, st)
	}
	for _, m := range s.Moves {
		if m.Count -= base.Count(m.From, m.To); m.Count > 0 {
			delta.Moves = append(delta.Moves, m)
		}
	}
	return delta
}

func (s *StatesSnapshot) clone() *StatesSnapshot {
	c := &StatesSnapshot{}
	c.Merge(s)
	return c
}
