package meta

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// overview is the first page: is it well, how did the last hour go, who does
// the work, what happened, and what should be looked at.
func (a *app) overview(ctx context.Context, _ url.Values) (any, error) {
	l := lookOf(ctx)
	marks := marksOf(l.group.Events)
	blocks := []Block{
		{Name: "verdict", Verdict: a.verdict(l)},
		{Name: "hour", Charts: a.hour(l.group, marks)},
	}
	if len(l.group.Processes) > 0 {
		blocks = append(blocks, a.processes(l.group))
	}
	if len(l.group.Events) > 0 {
		blocks = append(blocks, Block{Title: "What happened", Half: true, Events: l.group.Events[:min(8, len(l.group.Events))]})
	}
	if a.Group != nil {
		blocks = append(blocks, findings(l.group.Findings))
	}
	return View{Blocks: blocks}, nil
}

func findings(found []data.Event) Block {
	if len(found) == 0 {
		return Block{Title: "Findings", Half: true, Notice: &data.Notice{Text: data.Words("Nothing to mend: all rules of the live lint pass.")}}
	}
	return Block{Title: "Findings", Half: true, Note: data.Words(fmt.Sprintf("%d of the live lint", len(found))), Events: found}
}

// marksOf gives the events of the last hour the letters that charts show.
func marksOf(events []data.Event) []data.Mark {
	var marks []data.Mark
	for _, e := range events {
		if e.Mark != "" && time.Since(e.At) < kept {
			marks = append(marks, data.Mark{At: float64(e.At.UnixNano()) / 1e9, Letter: e.Mark, Title: human.Clock(e.At) + " " + e.Text.String()})
		}
	}
	return marks
}

// verdict is one sentence, by the worst that is known.
func (a *app) verdict(l *look) *data.Verdict {
	if l.unknown != nil {
		return &data.Verdict{State: data.Wrong, Word: "The supervisor does not answer", Sentence: data.Words(l.unknown.Error())}
	}
	g := l.group
	v := &data.Verdict{State: data.OK, Word: "Well", Since: g.Started}
	if g.State == data.Look || g.State == data.Wrong || g.State == data.Busy {
		v.State, v.Word = g.State, strings.ToUpper(g.Phase[:1])+g.Phase[1:]
		v.Since = time.Time{}
	}
	v.Sentence = a.serving()
	if g.Why != "" {
		v.Sentence = append(v.Sentence, data.Span{Text: " " + capital(g.Why) + "."})
	}
	for _, p := range g.Processes {
		if p.State != data.Look && p.State != data.Wrong {
			continue
		}
		if data.Worse(v.State, p.State) != v.State {
			v.State, v.Word, v.Since = p.State, capital(p.Name)+" is "+p.Word, time.Time{}
		}
		v.Sentence = append(v.Sentence, data.Span{Text: " "}, data.Span{Text: p.Name, Href: "goroutines?worker=" + p.Name}, data.Span{Text: " is " + p.Word})
		if p.Why != "" {
			v.Sentence = append(v.Sentence, data.Span{Text: ": " + p.Why})
		}
		v.Sentence = append(v.Sentence, data.Span{Text: "."})
	}
	for _, f := range g.Findings {
		if f.State == data.Wrong && v.State == data.OK {
			v.State, v.Word, v.Since = data.Look, "Look", time.Time{}
			v.Sentence = append(v.Sentence, data.Span{Text: " " + f.Text.String()})
			break
		}
	}
	return v
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// serving says what is served now, and how it was before.
func (a *app) serving() data.Rich {
	rate := a.history.get("", requestsLine, perSecond, false)
	if len(rate.values) == 0 {
		rate = a.history.get("", totalOf+requestSeconds, perSecond, false)
	}
	if math.IsNaN(rate.last()) {
		return data.Words("Running.")
	}
	r := data.Rich{{Text: "Serving "}, {Text: human.Rate(rate.last()).String(), Strong: true, Href: "stats?q=http."}}
	slow := a.history.get("", totalOf+requestSeconds, p99, true)
	if last := slow.last(); !math.IsNaN(last) {
		r = append(r, data.Span{Text: ", p99 "}, data.Span{Text: human.Duration(last).String(), Strong: true})
		if before := medianOf(slow.values); last > 2*before || last < before/2 {
			r = append(r, data.Span{Text: ", usually " + human.Duration(before).String()})
		}
	}
	r = append(r, data.Span{Text: "."})
	if shed := a.history.get("", totalOf+shedName, perSecond, false).last(); shed > 0 {
		r = append(r, data.Span{Text: " Shedding "}, data.Span{Text: human.Rate(shed).String(), Strong: true, Href: "stats?q=shed"}, data.Span{Text: "."})
	}
	return r
}

// processes is the table of the group's processes.
func (a *app) processes(g Group) Block {
	t := &Table{Key: "process", Columns: []Column{
		{Name: "process", Title: "Process"}, {Name: "state", Title: "State"},
		{Name: "pid", Title: "Pid", Unit: data.UnitCode, Wide: true}, {Name: "generation", Title: "Gen", Wide: true}, {Name: "up", Title: "Up", Unit: data.UnitSeconds},
		{Name: "cpu", Title: "CPU", Unit: data.UnitCores, Merge: data.Sum}, {Name: "memory", Title: "Memory", Unit: data.UnitBytes, Merge: data.Sum},
		{Name: "open", Title: "Conns", Merge: data.Sum}, {Name: "running", Title: "In flight", Merge: data.Sum},
		{Name: "rate", Title: "Req/s", Merge: data.Sum}, {Name: "p50", Title: "p50", Unit: data.UnitSeconds, Wide: true}, {Name: "p99", Title: "p99", Unit: data.UnitSeconds},
		{Name: "hour", Title: "Req/s, 1 h", Wide: true},
		{Name: "last", Title: "Last exit, and why", Wrap: true},
	}}
	var slow []float64
	var workers []int
	for _, p := range g.Processes {
		a.process(t, p)
		if p.Serves {
			v := a.history.get(p.Name, totalOf+requestSeconds, p99, true).last()
			if !math.IsNaN(v) {
				slow, workers = append(slow, v), append(workers, len(t.Rows)-1)
			}
		}
	}
	if odd := data.Odd(slow); odd >= 0 {
		r := &t.Rows[workers[odd]]
		r.State = data.Look
		r.Cells[1] = Cell{Value: "odd", State: data.Look, Why: "its p99 is more than three deviations from the median"}
		r.Cells[11].State = data.Look
	}
	return Block{Name: "processes", Title: "Processes", Note: data.Words(processNote(g)), Table: t}
}

func processNote(g Group) string {
	serving, other := 0, 0
	for _, p := range g.Processes {
		switch {
		case p.Serves && p.State == data.OK:
			serving++
		case p.Serves:
			other++
		}
	}
	note := fmt.Sprintf("%d serve", serving)
	if other > 0 {
		note += fmt.Sprintf(", %d do not", other)
	}
	return note
}

func (a *app) process(t *Table, p Process) {
	name := Cell{Value: p.Name}
	cpu := a.history.get(p.Name, "process.cpu_user_seconds", level, false).plus(a.history.get(p.Name, "process.cpu_system_seconds", level, false))
	memory := a.history.get(p.Name, "process.rss_bytes", level, true)
	rate := a.history.get(p.Name, totalOf+requestSeconds, perSecond, false)
	open, running := any(nil), any(nil)
	if p.Serves {
		name.Href = "goroutines?worker=" + p.Name
		open, running = p.Open, p.Running
	}
	spark := Cell{Value: ""}
	if p.Serves && len(rate.values) > 1 {
		spark.Spark = rate.values
	}
	r := t.Add(name, Cell{Value: p.Word, State: p.State, Why: p.Why}, float64(p.PID), generation(p.Generation), up(p.Started),
		cpu.last(), memory.last(), open, running, rate.last(),
		a.history.get(p.Name, totalOf+requestSeconds, p50, true).last(), a.history.get(p.Name, totalOf+requestSeconds, p99, true).last(),
		spark, p.Last)
	r.State = rowState(p.State)
	if p.State == data.Wrong {
		r.Stale = true
	}
	if r.Cells[2].Value == 0.0 {
		r.Cells[2].Value = nil
	} else {
		r.Cells[2].Value = itoa(p.PID)
	}
}

func rowState(s data.State) data.State {
	if s == data.Look || s == data.Wrong {
		return s
	}
	return ""
}

func generation(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func up(since time.Time) any {
	if since.IsZero() {
		return nil
	}
	return time.Since(since).Truncate(time.Second).Seconds()
}

func medianOf(values []float64) float64 {
	var all []float64
	for _, v := range values {
		if !math.IsNaN(v) {
			all = append(all, v)
		}
	}
	return median(all)
}
