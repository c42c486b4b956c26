package portrait

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/prefork"
)

// most is how many events are shown.
const most = 26

// events are what happened, the latest first. Those of the last hour have the
// letters that charts show, from a.
func events(s prefork.State, now time.Time) []data.Event {
	var all []data.Event
	if !s.Started.IsZero() {
		all = append(all, data.Event{At: s.Started, Text: data.Words("The group started")})
	}
	if r := s.Reload; r != nil {
		all = append(all, data.Event{At: r.Since, State: data.Look, Text: data.Words("A reload began"), Reason: data.Words(fmt.Sprintf("%d workers to go", len(r.Slots)))})
	}
	if r := s.LastReload; r != nil {
		all = append(all, reloaded(r))
	}
	for _, d := range s.Deaths {
		if !partOfReload(d, s.LastReload) {
			all = append(all, died(d))
		}
	}
	slices.SortStableFunc(all, func(a, b data.Event) int { return b.At.Compare(a.At) })
	all = all[:min(most, len(all))]
	recent := 0
	for recent < len(all) && now.Sub(all[recent].At) < time.Hour {
		recent++
	}
	for i := range recent {
		all[i].Mark = string(rune('a' + recent - 1 - i))
	}
	return all
}

func reloaded(r *prefork.LastReload) data.Event {
	e := data.Event{At: r.Ended, Text: data.Words("Reloaded"), Reason: data.Words("in " + human.Age(r.Ended.Sub(r.Began)))}
	if r.Error != "" {
		first, _, _ := strings.Cut(r.Error, "\n")
		e.State, e.Text, e.Reason = data.Wrong, data.Words("A reload failed; the old workers serve on"), data.Words(first)
	}
	return e
}

// partOfReload says whether a death is what the last reload was for.
func partOfReload(d prefork.Death, r *prefork.LastReload) bool {
	return r != nil && d.Expected && !d.Ended.Before(r.Began) && !d.Ended.After(r.Ended)
}

func died(d prefork.Death) data.Event {
	name := d.Role
	if d.Role == prefork.WorkerRole {
		name = fmt.Sprintf("Worker %d", d.Slot)
	}
	e := data.Event{At: d.Ended, Text: data.Words(name + " ended"), Reason: data.Words(reason(d))}
	if d.LostMost > 0 {
		lost := fmt.Sprintf(", %d requests lost", d.LostMost)
		if d.LostLeast != d.LostMost {
			lost = fmt.Sprintf(", %d to %d requests lost", d.LostLeast, d.LostMost)
		}
		e.Text = data.Words(name + " ended" + lost)
	}
	if !d.Expected {
		e.State = data.Wrong
	}
	return e
}
