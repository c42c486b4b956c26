// Package turns has the workers of a group take connections from a socket that
// they share one after another, instead of whoever is quickest.
//
// Each worker counts in a seat of a [Board], which lies in memory that all of
// them share, how many connections it has taken. One that is ahead of a sibling
// leaves the next connection to it for a moment, and takes it after all if
// nobody comes. The counts are advice: whatever is written there, nobody waits
// longer than that moment for a connection that is there to be taken.
package turns

import (
	"errors"
	"sync/atomic"
	"unsafe"
)

// Seats is how many workers can sit at a board at once.
const Seats = 2048

// Size is the length in bytes of the memory under a board.
const Size = (Seats + 1) * int(unsafe.Sizeof(seat{})) // 128 KiB, of which only what is used takes room

// seat is one worker's line of a board, on a cache line of its own.
type seat struct {
	turns atomic.Uint64 // 0: nobody sits here
	full  atomic.Bool
	_     [64 - 8 - 4]byte
}

// Board is what the workers of a group know of each other. Its methods may be
// called at any time by any number of goroutines.
type Board struct {
	used  *atomic.Uint64 // seats from the first on that have ever been taken
	seats []seat
}

// On returns the board that lies in mem, which must be aligned to 8 bytes and
// stay mapped for as long as the board is used.
func On(mem []byte) (*Board, error) {
	if len(mem) < Size {
		return nil, errors.New("turns: too little memory for a board")
	}
	lines := unsafe.Slice((*seat)(unsafe.Pointer(unsafe.SliceData(mem))), Seats+1)
	return &Board{used: &lines[0].turns, seats: lines[1:]}, nil
}

// Seat returns the n-th seat, counted from 0.
func (b *Board) Seat(n int) *Seat {
	return &Seat{board: b, number: n, seat: &b.seats[n]}
}

// Clear takes whoever sat in the n-th seat away, when it has ended.
func (b *Board) Clear(n int) {
	b.seats[n].turns.Store(0)
	b.seats[n].full.Store(false)
}

// Turns is how many connections whoever sits in the n-th seat has taken, by his
// own account; of two counts only whether they differ says something for certain.
func (b *Board) Turns(n int) uint64 { return b.seats[n].turns.Load() }

// neighbours is how many siblings a worker looks at: enough for any machine,
// and where there are more, what is fair among neighbours is fair for all.
const neighbours = 64

// around calls see for the siblings of the n-th seat that are there, until it
// returns false.
func (b *Board) around(n int, see func(n int, s *seat) bool) {
	used := int(min(b.used.Load(), Seats))
	for i := range min(used-1, neighbours) {
		m := (n + 1 + i) % used
		if s := &b.seats[m]; s.turns.Load() != 0 && !see(m, s) {
			return
		}
	}
}
