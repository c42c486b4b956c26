package strict

import (
	"sync/atomic"
	"time"
)

// maxExamples is how many of a kind a report holds.
const maxExamples = 5

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
	Timeline Timeline  `json:"timeline"`
	Examples []Example `json:"examples"`

	// Sorted is what answers took, by the value of Ask.Sort's field: from the
	// beginning of the request, also where it was due before by rate, since for
	// that another server may be to blame than the one that answered.
	Sorted map[string]*Latency `json:"sorted,omitempty"`

	start time.Time
	live  *[outcomes]atomic.Int64 // shared by all of a trial
	kept  [outcomes + 1]int       // examples of each outcome and of unclosed
}

// record counts one request that ended now.
func (t *Tally) record(o Outcome, from, now time.Time) {
	t.Counts[o]++
	t.live[o].Add(1)
	slot := t.Timeline.slot(now.Sub(t.start))
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

// sorted is where to add what an answer took that has this value in the field
// by which answers are sorted.
func (t *Tally) sorted(value string) *Latency {
	if t.Sorted == nil {
		t.Sorted = make(map[string]*Latency)
	}
	l := t.Sorted[value]
	if l == nil {
		l = new(Latency)
		t.Sorted[value] = l
	}
	return l
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
	t.Timeline.Merge(&other.Timeline)
	for value, l := range other.Sorted {
		t.sorted(value).Merge(l)
	}
	for _, e := range other.Examples {
		t.example(e.Outcome, e)
	}
}
