package turns

import (
	"sync"
	"time"
)

// slack is how many turns a worker may be ahead before it leaves a connection to a
// sibling. With less, workers wait for each other more often.
const slack = 2

// moment is how long a worker leaves a connection to its siblings. With less,
// those that are ahead look at the socket more often while many connections come.
const moment = 2 * time.Millisecond

// owed is how many turns a worker that has been slow may make up for.
const owed = 16

// longestTruancy bounds the time in which nobody waits for a sibling that has not
// come in its moment, unless it takes a connection. It begins with a moment and
// doubles: one that is late is waited for again soon, and one that is stopped
// delays hardly anything.
const longestTruancy = 100 * time.Millisecond

// Seat is a worker's place at a board. Its methods may be called by any number
// of goroutines.
type Seat struct {
	board  *Board
	number int
	seat   *seat

	mu        sync.Mutex
	listeners int            // that take part
	absent    map[int]uint64 // siblings that have left connections waiting, and their turns then; mu
	until     time.Time      // when they are waited for again; mu
	truancy   time.Duration  // between the two; mu
}

// Full says whether this worker has all that it can serve. While it has, it
// leaves connections to siblings that have not.
func (s *Seat) Full(full bool) { s.seat.full.Store(full) }

// Spare says whether a sibling can serve more.
func (s *Seat) Spare() (spare bool) {
	s.board.around(s.number, func(_ int, other *seat) bool {
		spare = !other.full.Load()
		return !spare
	})
	return spare
}

// join has the worker take part, at the height of those who do.
func (s *Seat) join() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners++; s.listeners > 1 {
		return
	}
	for used := s.board.used.Load(); used < uint64(s.number)+1; used = s.board.used.Load() {
		s.board.used.CompareAndSwap(used, uint64(s.number)+1)
	}
	s.seat.turns.Store(max(s.highest(1), 1))
}

// leave has the worker take no part any more. What it still takes is not
// counted.
func (s *Seat) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners--; s.listeners == 0 {
		s.seat.turns.Store(0)
	}
}

// highest is the count of the foremost sibling, or none if there is nobody.
// Counts are compared by their difference, which no count can make overflow.
func (s *Seat) highest(none uint64) uint64 {
	first := true
	s.board.around(s.number, func(_ int, other *seat) bool {
		if n := other.turns.Load(); first || int64(n-none) > 0 {
			first, none = false, n
		}
		return true
	})
	return none
}

// took counts a connection. A worker that has fallen far behind, because it was
// stopped or slow, is not owed what it has missed: all of it at once would be
// too much.
func (s *Seat) took() {
	n := s.seat.turns.Load()
	if n == 0 {
		return // it has left
	}
	if high := s.highest(n); int64(high-n) > owed {
		n = high - owed
	}
	s.seat.turns.Store(max(n+1, 1))
}

// ahead says whether the next connection is for a sibling: one that is less
// full, or as full and behind.
func (s *Seat) ahead() bool {
	mine := s.seat.turns.Load()
	if mine == 0 {
		return false
	}
	ahead := false
	s.board.around(s.number, func(n int, other *seat) bool {
		theirs := other.turns.Load()
		ahead = s.leavesTo(other, mine, theirs) && !s.isAbsent(n, theirs)
		return !ahead
	})
	return ahead
}

func (s *Seat) leavesTo(other *seat, mine, theirs uint64) bool {
	full, otherFull := s.seat.full.Load(), other.full.Load()
	if full != otherFull {
		return full
	}
	return int64(mine-theirs) > slack
}

// isAbsent says whether a sibling has left a connection waiting lately and has
// taken none since.
func (s *Seat) isAbsent(n int, turns uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	then, known := s.absent[n]
	return known && then == turns && time.Now().Before(s.until)
}

// invited are the siblings for whom the next connection is, and their turns.
func (s *Seat) invited() map[int]uint64 {
	mine, found := s.seat.turns.Load(), make(map[int]uint64)
	s.board.around(s.number, func(n int, other *seat) bool {
		if theirs := other.turns.Load(); s.leavesTo(other, mine, theirs) {
			found[n] = theirs
		}
		return true
	})
	return found
}

// came says whether one of those invited has taken a connection since.
func (s *Seat) came(invited map[int]uint64) bool {
	for n, then := range invited {
		if s.board.seats[n].turns.Load() != then {
			return true
		}
	}
	return false
}

// waitedInVain notes that none of those invited has come: they are stopped, or
// slow, or do not accept.
func (s *Seat) waitedInVain(invited map[int]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := false
	for n, turns := range invited {
		then, known := s.absent[n]
		again = again || known && then == turns
	}
	if !again {
		s.truancy = moment / 2
	}
	s.truancy = min(2*s.truancy, longestTruancy)
	s.absent, s.until = invited, time.Now().Add(s.truancy)
}
