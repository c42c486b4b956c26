package meta

import (
	"fmt"
	"math"
	"slices"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// hour is the last hour in six charts.
func (a *app) hour(g Group, marks []data.Mark) []Chart {
	get := func(id string, p plane, largest bool) span { return a.history.get("", id, p, largest) }
	requests := get(requestsLine, perSecond, false)
	if len(requests.values) == 0 {
		requests = get(totalOf+requestSeconds, perSecond, false)
	}
	cpu := get("process.cpu_user_seconds", level, false).plus(get("process.cpu_system_seconds", level, false))
	gc := get("process.gc_cpu_seconds", level, false)
	charts := []Chart{
		a.chart("Requests", "per second", data.UnitRate, false, line1("", data.Area, 1, requests)),
		a.chart("Latency", "all routes", data.UnitSeconds, true,
			line1("p99", data.Line, 2, get(totalOf+requestSeconds, p99, true)), line1("p50", data.Line, 1, get(totalOf+requestSeconds, p50, true))),
		a.chart("Errors and shed", "per second", data.UnitRate, false,
			line1("errors", data.Stacked, 2, get(totalOf+serverErrors, perSecond, false)), line1("shed", data.Stacked, 5, get(totalOf+shedName, perSecond, false))),
		a.chart("CPU", "cores, all processes", data.UnitCores, false, line1("", data.Area, 1, cpu)),
		a.memory(g),
		a.chart("GC", "cores", data.UnitCores, false, line1("", data.Area, 1, gc)),
	}
	for i := range charts {
		charts[i].Marks = marks
	}
	return charts
}

// named is a span that is to become a series.
type named struct {
	span
	series data.Series
}

func line1(name string, shape data.Shape, color int, s span) named {
	return named{s, data.Series{Name: name, Shape: shape, Color: color, Values: s.values}}
}

func (a *app) chart(title, note, unit string, log bool, lines ...named) Chart {
	c := Chart{Title: title, Note: note, Unit: unit, Log: log}
	for _, l := range lines {
		if len(l.values) == 0 {
			continue
		}
		c.Start, c.Step = l.start, l.step
		c.Series = append(c.Series, l.series)
	}
	if !anything(c.Series) {
		c.Empty = a.waiting()
	}
	c.Says = says(title, unit, c.Series)
	return c
}

func anything(all []data.Series) bool {
	for _, s := range all {
		if slices.ContainsFunc(s.Values, func(v float64) bool { return !math.IsNaN(v) }) {
			return true
		}
	}
	return false
}

// waiting says why there is nothing yet.
func (a *app) waiting() string {
	switch age := a.history.age(); {
	case age == 0:
		return "the last hour is not kept: call Run"
	case age < 2*groupStep:
		return fmt.Sprintf("first point in %.0f s", max(1, (2*groupStep-age).Seconds()))
	}
	return "nothing was recorded"
}

// says tells what a chart finds, to those who do not see it.
func says(title, unit string, all []data.Series) string {
	text := title + " in the last hour"
	for _, s := range all {
		low, high, last := math.Inf(1), math.Inf(-1), math.NaN()
		for _, v := range s.Values {
			if !math.IsNaN(v) {
				low, high, last = min(low, v), max(high, v), v
			}
		}
		if !math.IsNaN(last) {
			text += fmt.Sprintf("; %s now %s, between %s and %s", s.Name, human.Of(last, unit), human.Of(low, unit), human.Of(high, unit))
		}
	}
	return text
}

// memory has a line for each worker, of which the largest is in colour, or one
// for the program.
func (a *app) memory(g Group) Chart {
	var lines []named
	for _, p := range g.Processes {
		if p.Serves {
			if s := a.history.get(p.Name, "process.rss_bytes", level, true); len(s.values) > 0 {
				lines = append(lines, line1(p.Name, data.Thin, 6, s))
			}
		}
	}
	if len(lines) == 0 {
		return a.chart("Memory", "resident", data.UnitBytes, false, line1("", data.Area, 1, a.history.get("", "process.rss_bytes", level, true)))
	}
	slices.SortStableFunc(lines, func(a, b named) int {
		return int(max(-1, min(1, zero(a.last())-zero(b.last()))))
	})
	top := &lines[len(lines)-1]
	top.series.Shape, top.series.Color = data.Line, 1
	if len(lines) > 1 {
		next := &lines[len(lines)-2]
		next.series.Shape, next.series.Color = data.Line, 4
	}
	return a.chart("Memory", "a worker, resident", data.UnitBytes, false, lines...)
}

func zero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
