// Package data is what a page of package meta says, as plain values: tables,
// fields, text, charts. They travel between processes as JSON, are merged over
// workers where tags say how, and are shown to people by package meta/ui.
package data

import "time"

// Version is that of the wire form. A View of another version is refused.
const Version = 1

// View is all that a page says: its blocks, in order.
type View struct {
	Version int       `json:"version"`
	Title   string    `json:"title"`
	At      time.Time `json:"at"` // when it was taken
	Blocks  []Block   `json:"blocks"`
}

// Block is one part of a View. One of its fields from Verdict on is set.
type Block struct {
	Name  string `json:"name,omitempty"` // the same in each process and at each asking; default Title
	Title string `json:"title,omitempty"`
	Note  Rich   `json:"note,omitempty"`  // beside the title: window, count, a link to all
	Half  bool   `json:"half,omitempty"`  // stands beside its neighbour if there is room
	Stale bool   `json:"stale,omitempty"` // the last that is known of something that is silent
	Fold  bool   `json:"fold,omitempty"`  // is long and seldom wanted: folded until somebody opens it

	Verdict   *Verdict   `json:"verdict,omitempty"`
	Figures   []Field    `json:"figures,omitempty"` // the few that matter, large
	Fields    []Field    `json:"fields,omitempty"`
	Table     *Table     `json:"table,omitempty"`
	Charts    []Chart    `json:"charts,omitempty"`
	Histogram *Histogram `json:"histogram,omitempty"`
	Dots      *Dots      `json:"dots,omitempty"`
	Graph     *Graph     `json:"graph,omitempty"`
	Shares    []Share    `json:"shares,omitempty"`
	Events    []Event    `json:"events,omitempty"`
	Text      *Text      `json:"text,omitempty"`
	Notice    *Notice    `json:"notice,omitempty"`
	Form      *Form      `json:"form,omitempty"`
}

// State says how a thing is. The empty one says nothing.
type State string

// The states, from good to bad. The page shows each by a shape and a word.
const (
	OK    State = "ok"
	Idle  State = "idle"  // does nothing, and need not
	Busy  State = "busy"  // on its way: starting, draining
	Look  State = "look"  // somebody should look at it
	Wrong State = "wrong" // somebody has to do something
)

// Worse returns the worse of two states.
func Worse(a, b State) State {
	if a.rank() >= b.rank() {
		return a
	}
	return b
}

func (s State) rank() int {
	switch s {
	case Idle:
		return 1
	case OK:
		return 2
	case Busy:
		return 3
	case Look:
		return 4
	case Wrong:
		return 5
	}
	return 0
}

// Verdict is the answer first: one word, one sentence, and since when.
type Verdict struct {
	State    State     `json:"state"`
	Word     string    `json:"word"`
	Sentence Rich      `json:"sentence"`
	Since    time.Time `json:"since,omitzero"`
}

// Rich is text with links and emphasis.
type Rich []Span

// Span is a piece of Rich text.
type Span struct {
	Text   string `json:"text"`
	Href   string `json:"href,omitempty"` // of a page, relative to the first: "stats/http.requests"
	Strong bool   `json:"strong,omitempty"`
	Code   bool   `json:"code,omitempty"`
}

// Words makes Rich text of plain text.
func Words(text string) Rich {
	if text == "" {
		return nil
	}
	return Rich{{Text: text}}
}

// String returns the text alone.
func (r Rich) String() string {
	s := ""
	for _, span := range r {
		s += span.Text
	}
	return s
}

// Text is shown as it is, in letters of one width.
type Text struct {
	Body  string `json:"body"`
	Lines []int  `json:"lines,omitempty"` // to mark, from 1
}

// Event is something that happened, or was found.
type Event struct {
	At     time.Time `json:"at,omitzero"`
	Mark   string    `json:"mark,omitempty"` // a letter, the same as in charts
	State  State     `json:"state,omitempty"`
	Text   Rich      `json:"text"`
	Reason Rich      `json:"reason,omitempty"`
	Where  string    `json:"where,omitempty"` // shown right if there is no time
}

// Notice says what is missing, why, and what to do.
type Notice struct {
	Text  Rich   `json:"text"`
	Code  string `json:"code,omitempty"` // the line that turns it on
	Links Rich   `json:"links,omitempty"`
}

// Form is something that can be done: a button, and what it will do.
type Form struct {
	Action  string  `json:"action"` // a page that takes a POST, relative to the first
	Button  string  `json:"button"`
	Effect  string  `json:"effect"`
	Inputs  []Input `json:"inputs,omitempty"`
	Danger  bool    `json:"danger,omitempty"`
	Ask     bool    `json:"ask,omitempty"`     // only asks: it is sent by GET, and changes nothing
	Viewers bool    `json:"viewers,omitempty"` // may send it too, and not only operators
	Refused string  `json:"refused,omitempty"` // why whoever looks may not
}
