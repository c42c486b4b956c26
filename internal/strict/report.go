package strict

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Report is what a Trial has found. Its methods must not run concurrently.
type Report struct {
	Seed    uint32        `json:"seed"`
	Start   time.Time     `json:"start"`
	Elapsed time.Duration `json:"elapsed_ns"`
	Loads   []*Tally      `json:"loads"` // in the order of Trial.Loads
	Marks   []Mark        `json:"marks"`
}

// Mark is something that happened during a trial.
type Mark struct {
	At    time.Duration `json:"at_ns"` // since the trial began; negative if before
	Label string        `json:"label"`
}

// Total returns the counts of all loads together.
func (r *Report) Total() Counts {
	var sum Counts
	for _, l := range r.Loads {
		sum.Add(l.Counts)
	}
	return sum
}

// CreditShed counts n requests as shed that the server says it has shed by
// closing or resetting their connection. Only requests that ended without a
// byte of an answer are taken, in the order of the loads; the timeline stays as
// it was. It is an error, and changes nothing, if there are fewer of these.
func (r *Report) CreditShed(n int64) error {
	silent := []Outcome{Refused, Lost, Stale}
	total := r.Total()
	if seen := total[Refused] + total[Lost] + total[Stale]; n < 0 || n > seen {
		return fmt.Errorf("strict: server says it shed %d connections in silence, clients saw %d", n, seen)
	}
	for _, l := range r.Loads {
		for _, o := range silent {
			take := min(n, l.Counts[o])
			l.Counts[o] -= take
			l.Counts[Shed] += take
			n -= take
		}
	}
	return nil
}

// L0 returns nil if nothing was lost: every request was answered or shed, or
// is an HTTP/2 stream that the server said it had not processed. The error
// names what happened and when, with examples.
func (r *Report) L0() error {
	return r.forbid(Refused, Lost, Truncated, Stale, Misdirected, Hung, Wrong)
}

// L0Strict returns nil if L0 holds and nothing was shed either.
func (r *Report) L0Strict() error {
	return r.forbid(Shed, Refused, Lost, Truncated, Stale, Misdirected, Hung, Wrong)
}

// LK returns nil if at most bound requests were lost, truncated or stale, and
// none went wrong in another way.
func (r *Report) LK(bound int64) error {
	if err := r.forbid(Refused, Misdirected, Hung, Wrong); err != nil {
		return err
	}
	if lost := r.Total().Lost(); lost > bound {
		return fmt.Errorf("strict: %d requests lost, allowed are %d: %w", lost, bound, r.forbid(Lost, Truncated, Stale))
	}
	return nil
}

// forbid returns an error that tells of all requests with these outcomes.
func (r *Report) forbid(bad ...Outcome) error {
	var found Counts
	total := r.Total()
	var lines []string
	for _, o := range bad {
		if found[o] = total[o]; total[o] > 0 {
			lines = append(lines, r.examples(o)...)
		}
	}
	if found.Offered() == 0 {
		return nil
	}
	return fmt.Errorf("strict: of %d requests (seed %d): %v%s", total.Offered(), r.Seed, found, strings.Join(lines, ""))
}

// examples returns a line on each example of an outcome, with the mark before.
func (r *Report) examples(o Outcome) []string {
	var lines []string
	for _, l := range r.Loads {
		for _, e := range l.Examples {
			if e.Outcome == o {
				lines = append(lines, fmt.Sprintf("\n\t%v%s", e, r.after(e.At)))
			}
		}
	}
	return lines
}

// after names the last mark before a time.
func (r *Report) after(at time.Duration) string {
	var last *Mark
	for i, m := range r.Marks {
		if m.At <= at {
			last = &r.Marks[i]
		}
	}
	if last == nil {
		return ""
	}
	return fmt.Sprintf(" (%v after %s)", (at - last.At).Round(time.Millisecond/10), last.Label)
}

// String describes the example on one line.
func (e Example) String() string {
	return fmt.Sprintf("%v %s %s id %s, answer %d of connection %q: %s",
		e.At.Round(time.Millisecond/10), e.Load, e.What, e.ID, e.Served+1, e.Local, e.Error)
}

// AtLeast returns nil if every load had at least n answers. A trial that has
// proved nothing must not pass, so every test calls it.
func (r *Report) AtLeast(n int64) error {
	var errs []error
	for _, l := range r.Loads {
		if got := l.Counts[Answered]; got < n {
			errs = append(errs, fmt.Errorf("strict: %s: %d answers prove nothing, at least %d are needed (seed %d)", l.Name, got, n, r.Seed))
		}
	}
	return errors.Join(errs...)
}

// Closed returns nil if the server ended every connection whose end it had
// announced.
func (r *Report) Closed() error {
	var unclosed int64
	for _, l := range r.Loads {
		unclosed += l.Unclosed
	}
	if unclosed == 0 {
		return nil
	}
	return fmt.Errorf("strict: %d connections were not closed as announced%s", unclosed, strings.Join(r.examples(outcomes), ""))
}

// Balance holds the server's own count of requests that it finished with 200
// against what clients saw. It cannot have finished fewer than were answered,
// and it may have finished more only by those whose answer did not arrive.
func (r *Report) Balance(finished int64) error {
	total := r.Total()
	low := total[Answered]
	high := low + total.Lost() + total[Hung] + total[Misdirected] + total[Wrong]
	if low <= finished && finished <= high {
		return nil
	}
	return fmt.Errorf("strict: server says it finished %d requests, clients had %d answers and at most %d more may have been finished",
		finished, low, high-low)
}
