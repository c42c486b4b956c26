package strict

import (
	"sync/atomic"
	"time"
)

const (
	slotWidth   = 100 * time.Millisecond
	maxExamples = 5 // of an outcome, in a report
)

// Slot is a tenth of a second of the timeline. Requests are counted when they
// end.
type Slot struct {
	Counts Counts        `json:"counts"`
	Max    time.Duration `json:"max_ns"` // longest latency of an answered request
}

// Example is a request that went wrong, or a connection that stayed open.
type Example struct {
	At      time.Duration `json:"at_ns"` // since the trial began
	Outcome Outcome       `json:"-"`
	What    string        `json:"what"` // the outcome, or "unclosed"
	Load    string        `json:"load"`
	ID      string        `json:"id"`
	Local   string        `json:"local"`  // the client's address
	Served  int64         `json:"served"` // answers before it on the connection
	Error   string        `json:"error"`
}

// Tally is what one load, or one of its connections, has met.
type Tally struct {
	Name     string    `json:"name"`
	Counts   Counts    `json:"counts"`
	Latency  Latency   `json:"latency"`  // of what was answered
	Shedding Latency   `json:"shedding"` // of what was shed
	Conns    int64     `json:"conns"`    // connections opened
	Unclosed int64     `json:"unclosed"` // connections whose end was announced and did not come
	Timeline []Slot    `json:"timeline"`
	Examples []Example `json:"examples"`

	start time.Time
	live  *[outcomes]atomic.Int64 // shared by all of a trial
	kept  [outcomes + 1]int       // examples of each outcome and of unclosed
}

// record counts one request that ended now.
func (t *Tally) record(o Outcome, from, now time.Time) {
	t.Counts[o]++
	t.live[o].Add(1)
	slot := t.slot(now)
	slot.Counts[o]++
	switch o {
	case Answered:
		latency := now.Sub(from)
		t.Latency.Add(latency)
		slot.Max = max(slot.Max, latency)
	case Shed:
		t.Shedding.Add(now.Sub(from))
	}
}

// slot returns the part of the timeline that holds now.
func (t *Tally) slot(now time.Time) *Slot {
	i := max(int(now.Sub(t.start)/slotWidth), 0)
	for len(t.Timeline) <= i {
		t.Timeline = append(t.Timeline, Slot{})
	}
	return &t.Timeline[i]
}

// example keeps what happened, unless there are enough of the kind.
func (t *Tally) example(kind Outcome, e Example) {
	if t.kept[kind] >= maxExamples {
		return
	}
	t.kept[kind]++
	e.Outcome, e.What, e.Load = kind, kind.String(), t.Name
	if kind == outcomes {
		e.What = "unclosed"
	}
	t.Examples = append(t.Examples, e)
}

// merge adds what other has met, which must have begun at the same time.
func (t *Tally) merge(other *Tally) {
	t.Counts.Add(other.Counts)
	t.Latency.Merge(&other.Latency)
	t.Shedding.Merge(&other.Shedding)
	t.Conns += other.Conns
	t.Unclosed += other.Unclosed
	for i, slot := range other.Timeline {
		if i == len(t.Timeline) {
			t.Timeline = append(t.Timeline, Slot{})
		}
		t.Timeline[i].Counts.Add(slot.Counts)
		t.Timeline[i].Max = max(t.Timeline[i].Max, slot.Max)
	}
	for _, e := range other.Examples {
		t.example(e.Outcome, e)
	}
}
