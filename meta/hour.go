package meta

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// hour is how it went, in six charts.
func (p past) hour(g Group, marks []data.Mark) []Chart {
	served := p.served()
	cpu := p.cpu()
	gc := p.get("process.gc_cpu_seconds", level, false).with(cpu, part)
	failed, shed := p.get(totalOf+serverErrors, perSecond, false), p.get(totalOf+shedName, perSecond, false)
	charts := []Chart{
		p.chart("Requests", "per second", data.UnitRate, false, line1("", data.Area, 1, served)),
		p.chart("Latency", "all routes, log", data.UnitSeconds, true,
			line1("p99", data.Line, 2, p.get(totalOf+requestSeconds, p99, true)), line1("p50", data.Line, 1, p.get(totalOf+requestSeconds, p50, true))),
		p.chart("Errors and shed", "", data.UnitRate, false, line1("errors", data.Stacked, 2, failed), line1("shed", data.Stacked, 5, shed)),
		p.chart("CPU", "cores", data.UnitCores, false, line1("", data.Area, 1, cpu)),
		p.memory(g),
		p.chart("GC", "share of CPU", data.UnitRatio, false, line1("", data.Area, 1, gc)),
	}
	charts[2].Least = leastTrouble * highest1(served)
	charts[5].Least = leastTrouble
	for i := range charts {
		charts[i].Marks = marks
	}
	return charts
}

// leastTrouble is the share of all requests, or of the processors, that fills
// the height of a chart at least: less than that looks like less.
const leastTrouble = 0.05

func highest1(s span) float64 {
	top := 0.0
	for _, v := range s.values {
		if v > top { // not if it is none
			top = v
		}
	}
	return top
}

// cpu is how many processors are in use.
func (p past) cpu() span {
	return p.get("process.cpu_user_seconds", level, false).plus(p.get("process.cpu_system_seconds", level, false))
}

// named is a span that is to become a series.
type named struct {
	span
	series data.Series
}

func line1(name string, shape data.Shape, color int, s span) named {
	return named{s, data.Series{Name: name, Shape: shape, Color: color, Values: s.values}}
}

// chart shows lines over the time that is asked for.
func (p past) chart(title, note, unit string, log bool, lines ...named) Chart {
	c := Chart{Title: title, Note: note, Unit: unit, Log: log}
	c.From, c.To = p.axis()
	for _, l := range lines {
		if len(l.values) == 0 {
			continue
		}
		c.Start, c.Step = l.start, l.step
		c.Series = append(c.Series, l.series)
	}
	if !anything(c.Series) {
		c.Empty = p.waiting()
	}
	c.Says = says(title+" in the last "+p.name(), unit, c.Series)
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
func (p past) waiting() string {
	switch age := p.age(); {
	case age == 0:
		return "the last hour is not kept: call Run"
	case age < 2*groupStep:
		return fmt.Sprintf("first point in %.0f s", max(1, (2*groupStep-age).Seconds()))
	}
	return "nothing was recorded"
}

// name is what the time is called that is shown.
func (p past) name() string {
	if p.within == kept {
		return "1 h"
	}
	return fmt.Sprintf("%.0f min", p.within.Minutes())
}

// says tells what a chart finds, to those who do not see it.
func says(title, unit string, all []data.Series) string {
	text := title
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
func (p past) memory(g Group) Chart {
	var lines []named
	for _, one := range g.Processes {
		if one.Serves && p.process == "" {
			if s := p.of(one.Name).get("process.rss_bytes", level, true); len(s.values) > 0 {
				lines = append(lines, line1(one.Name, data.Thin, 6, s))
			}
		}
	}
	if len(lines) == 0 {
		return p.chart("Memory", "resident", data.UnitBytes, false, line1("", data.Area, 1, p.get("process.rss_bytes", level, true)))
	}
	slices.SortStableFunc(lines, func(a, b named) int { return cmp.Compare(zero(a.last()), zero(b.last())) })
	top := &lines[len(lines)-1]
	top.series.Shape, top.series.Color = data.Line, 1
	if len(lines) == 2 {
		lines[0].series.Shape, lines[0].series.Color = data.Line, 4
	}
	return p.chart("Memory", "a worker", data.UnitBytes, false, lines...)
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
