package pages

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/requests"
)

// Recorders are those of the servers of this process.
type Recorders func() []*requests.Recorder

// Requests returns the pages of single requests: those that run, and, for the
// page of a route, how many run and those of late.
func Requests(all Recorders) []meta.Page {
	return []meta.Page{
		{Path: "inflight", Title: "In flight", Section: meta.Serves, Key: "i", Run: all.inFlight},
		{Path: "routes", Title: "Requests by route", Hidden: true, Run: all.routes},
		{Path: "finished", Title: "Requests of late", Hidden: true, Run: all.finished},
	}
}

func (all Recorders) running() requests.Snapshot {
	var sum requests.Snapshot
	for _, rec := range all() {
		sum.Merge(rec.Running())
	}
	return sum
}

// routes counts the requests that run.
func (all Recorders) routes(context.Context, url.Values) (any, error) {
	t := &meta.Table{Key: "route", Columns: []meta.Column{{Name: "route"}, {Name: "in_flight", Title: "In flight", Merge: data.Sum}}}
	for route, n := range all.running().InFlight {
		t.Add(route, n)
	}
	return t, nil
}

// inFlight lists the requests that run, the oldest first.
func (all Recorders) inFlight(_ context.Context, q url.Values) (any, error) {
	s := all.running()
	t := &meta.Table{Filter: true, Sorted: "-age", Empty: "No request runs at this moment.", Columns: []meta.Column{
		{Name: "id", Title: "Request", Unit: data.UnitCode}, {Name: "age", Title: "Age", Unit: data.UnitSeconds},
		{Name: "route", Title: "Route"}, {Name: "phase", Title: "Phase"}, {Name: "peer", Title: "Peer", Unit: data.UnitCode, Wide: true},
		{Name: "in", Title: "In", Unit: data.UnitTraffic, Wide: true}, {Name: "out", Title: "Out", Unit: data.UnitTraffic, Wide: true}, {Name: "status", Title: "Status", Wide: true},
	}}
	oldest, total := 0.0, 0
	ages := data.Dots{Unit: data.UnitSeconds}
	for _, n := range s.InFlight {
		total += n
	}
	for _, r := range s.Running {
		oldest = max(oldest, r.Age)
		addAge(&ages, r)
		row := t.Add(meta.Cell{Value: r.ID.String(), Href: "?open=" + r.ID.String()}, aged(r.Age), route(r), meta.Cell{Value: r.Phase}, r.Peer,
			r.Received, r.Sent, status(r.Status))
		if q.Get("open") == r.ID.String() {
			row.Cells[0].Href = "?"
			row.Detail = all.detail(r)
		}
	}
	t.Total = total
	if total == len(t.Rows) {
		t.Total = 0
	}
	return meta.View{Blocks: []meta.Block{
		{Name: "figures", Figures: []meta.Field{
			{Name: "in_flight", Title: "In flight", Merge: data.Sum, Cell: meta.Cell{Value: total}},
			{Name: "oldest", Title: "Oldest", Unit: data.UnitSeconds, Merge: data.Max, Cell: aged(oldest)},
		}},
		{Name: "age", Title: "Age", Note: data.Words("one dot, one request; log axis"), Dots: &ages},
		{Name: "running", Title: "Running now", Note: data.Words("oldest first"), Table: t},
	}}, nil
}

// maxDots is how many requests of each process are drawn.
const maxDots = 200

// addAge adds a request to those of the same phase.
func addAge(d *data.Dots, r requests.Running) {
	at := slices.IndexFunc(d.Groups, func(g data.Group) bool { return g.Name == r.Phase })
	if at < 0 {
		at = len(d.Groups)
		d.Groups = append(d.Groups, data.Group{Name: r.Phase, Color: phaseColor(r.Phase)})
	}
	if g := &d.Groups[at]; len(g.Values) < maxDots {
		g.Values = append(g.Values, r.Age)
	}
}

// phaseColor is the same as in the drawing of what a request's time went into.
func phaseColor(phase string) int {
	switch phase {
	case "handling":
		return 1
	case "writing", "answering", "flushing":
		return 3
	case "queue", "waiting":
		return 5
	case "reading":
		return 4
	}
	return 6
}

// aged marks ages that a person would call long.
func aged(seconds float64) meta.Cell {
	c := meta.Cell{Value: seconds}
	switch {
	case seconds >= 10:
		c.State = data.Wrong
	case seconds >= 1:
		c.State = data.Look
	}
	return c
}

func route(r requests.Running) meta.Cell {
	if r.Route == "" {
		return meta.Cell{Value: r.Method + " " + human.Middle(r.Path, 40), Why: r.Path}
	}
	return meta.Cell{Value: r.Route, Href: "requests/" + url.PathEscape(r.Route), Why: r.Path}
}

func status(code int) any {
	if code == 0 {
		return ""
	}
	return itoa(code)
}

// detail is what an opened row shows: what the request's goroutine does, where
// it is from, and how to end it.
func (all Recorders) detail(r requests.Running) []meta.Block {
	return []meta.Block{
		{Title: "What it is doing", Text: all.stack(r.ID)},
		{Title: "The request", Fields: []meta.Field{
			field("path", "Path", human.Middle(r.Path, 200)), field("method", "Method", r.Method), field("host", "Host", r.Host),
			field("protocol", "Protocol", r.Protocol), field("server", "Server", r.Server),
			{Name: "start", Title: "Began", Unit: data.UnitTime, Cell: meta.Cell{Value: r.Start}},
			field("cancelled", "Cancelled by", none(r.Cancelled)),
		}},
		{Name: "end", Form: &data.Form{
			Action: "do/cancel", Button: "Cancel this request", Danger: true,
			Effect: "Ends the request's context: the handler sees context.Canceled, and decides what the client gets.",
			Inputs: []data.Input{{Name: "id", Value: r.ID.String(), Hidden: true}},
		}},
	}
}

func none(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// stack is what the goroutines of a request stand in, that of its handler
// first.
func (all Recorders) stack(id requests.ID) *meta.Text {
	for _, rec := range all() {
		stacks, err := rec.Stacks(id)
		if err != nil || len(stacks) == 0 {
			if err != nil {
				return &meta.Text{Body: err.Error()}
			}
			continue
		}
		var b strings.Builder
		for _, s := range stacks {
			if s.Count > 1 {
				fmt.Fprintf(&b, "%d goroutines:\n", s.Count)
			}
			for _, f := range s.Frames[:min(maxFrames, len(s.Frames))] {
				fmt.Fprintf(&b, "%-48s %s:%d\n", shortName(f.Function), shortFile(f.File), f.Line)
			}
			b.WriteString("\n")
		}
		return &meta.Text{Body: b.String()}
	}
	return &meta.Text{Body: "it has ended meanwhile, or its stack cannot be told"}
}

// finished lists requests of late on one route, or on all.
func (all Recorders) finished(_ context.Context, q url.Values) (any, error) {
	var sum requests.Snapshot
	for _, rec := range all() {
		sum.Merge(rec.Snapshot())
	}
	wanted := q.Get("route")
	return meta.View{Blocks: []meta.Block{
		ended("slow", "Slowest", "of the last ten minutes", "-seconds", wanted, sum.Slow),
		ended("failed", "Failed", "the latest first", "-start", wanted, sum.Failed),
		ended("recent", "Recent", "the latest first", "-start", wanted, sum.Recent),
	}}, nil
}

const maxFinished = 10

func ended(name, title, note, sorted, wanted string, list []requests.Finished) meta.Block {
	t := &meta.Table{Sorted: sorted, Empty: "None.", Columns: []meta.Column{
		{Name: "start", Title: "Began", Unit: data.UnitTime}, {Name: "seconds", Title: "Took", Unit: data.UnitSeconds},
		{Name: "status", Title: "Status"}, {Name: "path", Title: "Path", Unit: data.UnitCode}, {Name: "peer", Title: "Peer", Unit: data.UnitCode, Wide: true},
		{Name: "sent", Title: "Sent", Unit: data.UnitTraffic, Wide: true}, {Name: "outcome", Title: "Outcome", Wrap: true},
	}}
	for _, f := range list {
		if wanted != "" && f.Route != wanted || len(t.Rows) >= maxFinished {
			continue
		}
		outcome := meta.Cell{Value: f.Outcome}
		if f.Note != "" {
			outcome.Value = f.Outcome + ": " + f.Note
		}
		row := t.Add(f.Start.Truncate(time.Millisecond), f.Seconds, status(f.Status), meta.Cell{Value: human.Middle(f.Path, 48), Why: f.Path}, f.Peer, f.Sent, outcome)
		if f.Status >= 500 {
			row.Cells[2].State = data.Wrong
		}
	}
	return meta.Block{Name: name, Title: title, Note: data.Words(note), Table: t}
}
