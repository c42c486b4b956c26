package strict

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Outcome says what became of one request. The package comment defines each.
type Outcome uint8

// The outcomes, the good ones first.
const (
	Answered Outcome = iota
	Shed
	Unprocessed
	Refused
	Lost
	Truncated
	Stale
	Misdirected
	Hung
	Wrong
	outcomes // how many there are
)

var outcomeNames = [outcomes]string{
	"answered", "shed", "unprocessed", "refused", "lost", "truncated", "stale", "misdirected", "hung", "wrong",
}

// String returns the outcome's name in lower case, as in the JSON of a Report.
func (o Outcome) String() string {
	if o < outcomes {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// Outcomes returns all outcomes, the good ones first.
func Outcomes() []Outcome {
	all := make([]Outcome, outcomes)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// Counts holds how many requests ended in each outcome; index it with one.
type Counts [outcomes]int64

// Offered returns how many requests there were.
func (c Counts) Offered() int64 {
	var n int64
	for _, v := range c {
		n += v
	}
	return n
}

// Lost returns how many requests went without an answer that began well:
// lost, truncated and stale. It is what a killed worker may cost.
func (c Counts) Lost() int64 { return c[Lost] + c[Truncated] + c[Stale] }

// Add adds those of other.
func (c *Counts) Add(other Counts) {
	for i, v := range other {
		c[i] += v
	}
}

// String lists what is not zero, such as "answered 900, stale 3".
func (c Counts) String() string {
	var parts []string
	for i, v := range c {
		if v != 0 {
			parts = append(parts, fmt.Sprintf("%v %d", Outcome(i), v))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// MarshalJSON writes an object with a member for each count that is not zero.
func (c Counts) MarshalJSON() ([]byte, error) {
	named := make(map[string]int64)
	for i, v := range c {
		if v != 0 {
			named[Outcome(i).String()] = v
		}
	}
	return json.Marshal(named)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Counts) UnmarshalJSON(data []byte) error {
	var named map[string]int64
	if err := json.Unmarshal(data, &named); err != nil {
		return fmt.Errorf("strict: reading counts: %w", err)
	}
	*c = Counts{}
	for _, o := range Outcomes() {
		c[o] = named[o.String()]
		delete(named, o.String())
	}
	for name := range named {
		return fmt.Errorf("strict: reading counts: no outcome is called %q", name)
	}
	return nil
}
