package pages

import (
	"slices"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/pressure"
)

// maxDecisions is how many of the latest decisions of each process are shown.
const maxDecisions = 50

// gate says what lets requests in, and by which figures.
func (s *Serving) gate() []meta.Field {
	g, l := s.Gate.State(), s.Gate.Limits()
	number := func(name, title string, merge data.Merge, v any) meta.Field {
		return meta.Field{Name: name, Title: title, Merge: merge, Cell: meta.Cell{Value: v}}
	}
	seconds := func(name, title string, merge data.Merge, v time.Duration, note string) meta.Field {
		f := meta.Field{Name: name, Title: title, Unit: data.UnitSeconds, Merge: merge, Note: note}
		if v > 0 {
			f.Cell.Value = v
		}
		return f
	}
	running := number("running", "Running", data.Sum, max(g.Running-g.Lasting, 0))
	running.Cell.Limit = float64(g.Limit)
	lowest := meta.Field{Name: "lowest", Title: "Lets in from class", Merge: data.Worst, Cell: meta.Cell{Value: g.Lowest.String()}}
	if g.Lowest > admit.Sheddable {
		lowest.Cell.State, lowest.Note = data.Look, "pressure has the others shed"
	}
	return []meta.Field{
		running, number("limit", "Limit", data.Sum, g.Limit), number("lasting", "Long ones, not counted", data.Sum, g.Lasting),
		number("waiting", "Waiting", data.Sum, g.Waiting), number("room", "Room to wait", data.Sum, g.Room),
		seconds("service", "Mean time in the handler", data.Max, g.Service, "of late, in the slowest process"),
		seconds("standing", "Longest standing delay", data.Max, l.Standing, "forecast, when there has been a queue for longer than "+human.Duration(l.Burst.Seconds()).String()),
		seconds("max_wait", "Longest wait", data.Max, l.MaxWait, ""), number("cores", "Cores", data.Sum, l.Cores), lowest,
	}
}

// pressure has a row for each thing that can be short.
func (s *Serving) pressure() *meta.Table {
	t := &meta.Table{Key: "signal", Columns: []meta.Column{
		{Name: "signal", Title: "Signal"}, {Name: "now", Title: "Now", Merge: data.Max}, {Name: "tight", Title: "Tight", Merge: data.Max},
		{Name: "short", Title: "Short", Merge: data.Max}, {Name: "dire", Title: "Dire", Merge: data.Max}, {Name: "what", Title: "What it is", Wrap: true, Wide: true},
	}}
	now, m := s.Short, s.Marks
	for _, signal := range []struct {
		name, unit, what string
		v                float64
		marks            pressure.Marks
	}{
		{"memory", data.UnitRatio, "of GOMEMLIMIT, that lives", now.Memory, m.Memory}, {"gc", data.UnitRatio, "of CPU time, for the collector", now.GC, m.GC},
		{"delay", data.UnitSeconds, "until a ready goroutine runs, p99", now.Delay, m.Delay}, {"files", data.UnitRatio, "of the descriptors there may be", now.Files, m.Files},
	} {
		cell := meta.Cell{Value: signal.v, Unit: signal.unit}
		if now.Cause == signal.name {
			cell.State = levelCell(now.Level).State
		}
		t.Add(signal.name, cell, reached(signal.marks.Tight, signal.unit), reached(signal.marks.Short, signal.unit), reached(signal.marks.Dire, signal.unit), signal.what)
	}
	return t
}

// reached is a mark; one below 0 is never reached.
func reached(mark float64, unit string) meta.Cell {
	if mark <= 0 {
		return meta.Cell{}
	}
	return meta.Cell{Value: mark, Unit: unit}
}

// relief says what is done at each level.
func (s *Serving) relief() *meta.Table {
	t := &meta.Table{Key: "level", Columns: []meta.Column{{Name: "level", Title: "Level"}, {Name: "now", Title: "Processes there", Merge: data.Sum}, {Name: "does", Title: "Then", Wrap: true}}}
	for level := pressure.Calm; level <= pressure.Dire; level++ {
		does, here := "", 0
		if s.Relief != nil {
			does = s.Relief(level)
		}
		if level == s.Short.Level {
			here = 1
		}
		t.Add(level.String(), here, does)
	}
	return t
}

// reason is one why connections, or requests, are turned away.
type reason struct {
	name, what            string
	connections, requests bool
}

func reasons() []reason {
	return []reason{
		{admit.Full.String(), "as many waited as could be served in time", true, true},
		{admit.Waited.String(), "waited for longer than was forecast", true, true},
		{admit.Deadline.String(), "its client would not have waited for the answer", false, true},
		{admit.Pressure.String(), "its class is not let in", false, true},
		{accept.Busy.String(), "there was no room for its request", true, false},
		{accept.Open.String(), "too many connections were open, and none of them idle", true, false},
	}
}

func classes() []admit.Class { return []admit.Class{admit.Critical, admit.Default, admit.Sheddable} }

// count is how many were turned away; nothing where that cannot be.
func (s *Serving) count(may bool, name string, labels ...string) any {
	if !may || s.Stats == nil {
		return nil
	}
	return s.Stats.Counter(name, labels...).Value()
}

// shed counts what was turned away, by reason: connections, and requests of each
// class.
func (s *Serving) shed() *meta.Table {
	t := &meta.Table{Key: "reason", Columns: []meta.Column{
		{Name: "reason", Title: "Reason"}, {Name: "connections", Title: "Connections", Merge: data.Sum}, {Name: "critical", Title: "Critical", Merge: data.Sum},
		{Name: "default", Title: "Default", Merge: data.Sum}, {Name: "sheddable", Title: "Sheddable", Merge: data.Sum}, {Name: "what", Title: "What it means", Wrap: true, Wide: true},
	}}
	for _, r := range reasons() {
		cells := []any{r.name, s.count(r.connections, "accept.refused", "reason", r.name)}
		for _, class := range classes() {
			cells = append(cells, s.count(r.requests, "admit.shed", "reason", r.name, "class", class.String()))
		}
		t.Add(append(cells, r.what)...)
	}
	return t
}

func (s *Serving) allShed() any {
	if s.Stats == nil {
		return nil
	}
	sum := 0.0
	for _, r := range s.shed().Rows {
		for _, c := range r.Cells[1:5] {
			n, _ := c.Number()
			sum += n
		}
	}
	return sum
}

// requestDecisions are the latest requests that were shed, with what the gate
// saw.
func (s *Serving) requestDecisions() meta.Block {
	t := &meta.Table{Sorted: "-at", Filter: true, Empty: "No request has been shed.", Columns: []meta.Column{
		{Name: "at", Title: "When", Unit: data.UnitTime}, {Name: "request", Title: "Request", Unit: data.UnitCode, Wrap: true}, {Name: "reason", Title: "Reason"}, {Name: "class", Title: "Class"},
		{Name: "age", Title: "Its age", Unit: data.UnitSeconds}, {Name: "running", Title: "Running"}, {Name: "limit", Title: "Limit"},
		{Name: "waiting", Title: "Waiting"}, {Name: "room", Title: "Room"}, {Name: "service", Title: "Handler takes", Unit: data.UnitSeconds, Wide: true},
	}}
	if s.Gate != nil {
		all := s.Gate.Decisions()
		for _, d := range slices.Backward(all[max(0, len(all)-maxDecisions):]) {
			service := any(nil)
			if d.Service > 0 {
				service = d.Service
			}
			t.Add(d.At.Truncate(time.Millisecond), meta.Cell{Value: human.Middle(d.Name, 60), Why: d.Name}, d.Reason.String(), d.Class.String(), d.Age,
				d.Running, d.Limit, d.Waiting, d.Room, service)
		}
	}
	return meta.Block{Name: "requests", Title: "Requests shed", Note: data.Words("the latest 50 of each process, with what the gate saw"), Table: t}
}

// connectionDecisions are the latest connections that were turned away.
func (s *Serving) connectionDecisions() meta.Block {
	t := &meta.Table{Sorted: "-at", Empty: "No connection has been turned away.", Columns: []meta.Column{
		{Name: "at", Title: "When", Unit: data.UnitTime}, {Name: "server", Title: "Server"}, {Name: "peer", Title: "Peer", Unit: data.UnitCode}, {Name: "reason", Title: "Reason"},
		{Name: "age", Title: "Its age", Unit: data.UnitSeconds}, {Name: "open", Title: "Open"}, {Name: "active", Title: "Active"}, {Name: "waiting", Title: "Waiting"},
	}}
	for _, server := range s.Servers {
		if server.Queue == nil {
			continue
		}
		all := server.Queue.Refused()
		for _, r := range all[max(0, len(all)-maxDecisions):] {
			t.Add(r.At.Truncate(time.Millisecond), server.Name, r.Peer, r.Reason.String(), r.Age, r.Open, r.Active, r.Waiting)
		}
	}
	t.Sort("-at")
	t.Rows = t.Rows[:min(len(t.Rows), maxDecisions)]
	return meta.Block{Name: "connections", Title: "Connections turned away", Note: data.Words("the latest 50 of each process, with what the queue saw"), Table: t}
}
