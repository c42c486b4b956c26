package meta

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/ui"
)

// overview is the first page: is it well, how did the last hour go, who does
// the work, what happened, and what should be looked at.
func (a *app) overview(ctx context.Context, q url.Values) (any, error) {
	l := lookOf(ctx)
	p := a.past(q)
	blocks := []Block{
		{Name: "verdict", Verdict: a.verdict(ctx, l)},
		{Name: "hour", Charts: p.hour(l.group, marksOf(l.group.Events))},
	}
	if len(l.group.Processes) > 0 {
		blocks = append(blocks, p.of("").processes(l.group))
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

// processes is the table of the group's processes.
func (p past) processes(g Group) Block {
	t := &Table{Key: "process", Columns: []Column{
		{Name: "process", Title: "Process"}, {Name: "state", Title: "State"},
		{Name: "pid", Title: "Pid", Unit: data.UnitCode, Wide: true}, {Name: "generation", Title: "Gen", Wide: true}, {Name: "up", Title: "Up", Unit: data.UnitSeconds, Wide: true},
		{Name: "cpu", Title: "CPU", Unit: data.UnitCores, Merge: data.Sum, Wide: true}, {Name: "memory", Title: "Memory", Unit: data.UnitBytes, Merge: data.Sum},
		{Name: "open", Title: "Conns", Merge: data.Sum, Wide: true}, {Name: "running", Title: "In flight", Merge: data.Sum},
		{Name: "rate", Title: "Req/s", Merge: data.Sum}, {Name: "p50", Title: "p50", Unit: data.UnitSeconds, Wide: true}, {Name: "p99", Title: "p99", Unit: data.UnitSeconds},
		{Name: "hour", Title: "p99, " + p.name(), Unit: data.UnitSeconds, Wide: true}, {Name: "shed", Title: "Shed/s", Wide: true},
		{Name: "last", Title: "Last exit, and why", Wrap: true},
	}}
	for _, one := range g.Processes {
		p.of(one.Name).row(t, one)
	}
	if at, why := p.odd(g); at >= 0 {
		r := &t.Rows[at]
		r.State = data.Look
		r.Cells[1] = Cell{Value: "odd", State: data.Look, Why: why}
		r.Cells[11].State, r.Cells[12].State = data.Look, data.Look
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

// odd finds the one worker that is slower or faster than the others, by its
// place among the processes; -1 if there is none.
func (p past) odd(g Group) (at int, why string) {
	var slow []float64
	var workers []int
	for i, one := range g.Processes {
		if v := p.of(one.Name).get(totalOf+requestSeconds, p99, true).last(); one.Serves && !math.IsNaN(v) {
			slow, workers = append(slow, v), append(workers, i)
		}
	}
	odd := data.Odd(slow)
	if odd < 0 {
		return -1, ""
	}
	middle := median(slow)
	return workers[odd], fmt.Sprintf("its p99 is %s, that of the others about %s", human.Duration(slow[odd]), human.Duration(middle))
}

// row adds one process.
func (p past) row(t *Table, one Process) {
	name, open, running, shed := Cell{Value: one.Name}, any(nil), any(nil), any(nil)
	spark := Cell{Value: ""}
	slow := p.get(totalOf+requestSeconds, p99, true)
	if one.Serves {
		name.Href = ui.Query("worker", one.Name)
		open, running, shed = one.Open, one.Running, p.get(totalOf+shedName, perSecond, false).last()
		spark = sparkOf(slow.values)
	}
	r := t.Add(name, Cell{Value: one.Word, State: one.State, Why: one.Why}, float64(one.PID), generation(one.Generation), up(one.Started),
		p.cpu().last(), p.get("process.rss_bytes", level, true).last(), open, running, p.get(totalOf+requestSeconds, perSecond, false).last(),
		p.get(totalOf+requestSeconds, p50, true).last(), slow.last(), spark, shed, one.Last)
	r.State = rowState(one.State)
	r.Stale = one.State == data.Wrong
	r.Cells[2].Value = any(nil)
	if one.PID != 0 {
		r.Cells[2].Value = itoa(one.PID)
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
