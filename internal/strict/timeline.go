package strict

import "time"

const (
	slotWidth = 100 * time.Millisecond
	maxSlots  = 6000 // ten minutes at first
)

// Timeline tells what happened when, in slots of equal width from the beginning
// of a trial. It grows to 6,000 slots, ten minutes; from then on two become one
// whenever it is full. The zero value is empty. It is not safe for concurrent
// use.
type Timeline struct {
	Width time.Duration `json:"width_ns"` // of a slot: 100ms times a power of two; 0 if there is none
	Slots []Slot        `json:"slots"`
}

// Slot is one part of a Timeline. A request counts when it ends.
type Slot struct {
	Counts Counts        `json:"counts"`
	Max    time.Duration `json:"max_ns"` // longest latency of an answered request
}

// slot returns the one that holds the time at; it is valid until the next call.
func (t *Timeline) slot(at time.Duration) *Slot {
	if t.Width == 0 {
		t.Width = slotWidth
	}
	for at >= maxSlots*t.Width {
		t.halve()
	}
	i := max(int(at/t.Width), 0)
	for len(t.Slots) <= i {
		t.Slots = append(t.Slots, Slot{})
	}
	return &t.Slots[i]
}

// halve makes one slot of each two.
func (t *Timeline) halve() {
	t.Width *= 2
	n := (len(t.Slots) + 1) / 2
	for i := range n {
		sum := t.Slots[2*i]
		if next := 2*i + 1; next < len(t.Slots) {
			sum.add(t.Slots[next])
		}
		t.Slots[i] = sum
	}
	t.Slots = t.Slots[:n]
}

func (s *Slot) add(other Slot) {
	s.Counts.Add(other.Counts)
	s.Max = max(s.Max, other.Max)
}

// Merge adds what other holds, which must have begun at the same time.
func (t *Timeline) Merge(other *Timeline) {
	for i, slot := range other.Slots {
		t.slot(time.Duration(i) * other.Width).add(slot)
	}
	for t.Width < other.Width {
		t.halve()
	}
}
