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
	for _, e := range other.Examples {
		t.example(e.Outcome, e)
	}
}
