package meta

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/ui"
	"github.com/support-go/support/stats"
)

// instrumentPage shows all that is known of one instrument.
func (a *app) instrumentPage(ctx context.Context, q url.Values) (any, error) {
	process := q.Get("worker")
	s, err := a.numbers(ctx, process)
	if err != nil {
		return nil, err
	}
	series, ok := lookup(s, q)
	if !ok {
		return notFound(s, q.Get("name")), nil
	}
	i := instrument{app: a, past: a.past(q), series: series, id: seriesID(series), unit: unitOf(series.Name)}
	var blocks []Block
	switch v := series.Value.(type) {
	case stats.Count:
		blocks = i.counter(v)
	case stats.Level:
		blocks = i.gauge(float64(v), "Now")
	case stats.Greatest:
		blocks = i.gauge(float64(v), "Greatest so far")
	case *stats.RateSnapshot:
		blocks = append(i.rate(v), i.spread("Time between", v.Gaps)...)
	case *stats.DistributionSnapshot:
		blocks = i.distribution(v)
	case *stats.StatesSnapshot:
		blocks = i.states(v)
	case *stats.TopSnapshot:
		blocks = []Block{top(series.Name, v, 100)}
	case *stats.CardinalitySnapshot:
		blocks = i.cardinality(v)
	default:
		return nil, errors.New("an instrument of a kind that this page does not know")
	}
	return View{Blocks: append(blocks, i.about())}, nil
}

// lookup finds the series that an address names.
func lookup(s stats.Snapshot, q url.Values) (stats.Series, bool) {
	name := q.Get("name")
	wanted := 0
	for key := range q {
		if strings.HasPrefix(key, "l.") {
			wanted++
		}
	}
next:
	for _, series := range s.Series {
		if series.Name != name || len(series.Labels) != wanted {
			continue
		}
		for _, l := range series.Labels {
			if q.Get("l."+l.Key) != l.Value {
				continue next
			}
		}
		return series, true
	}
	return stats.Series{}, false
}

// notFound names what there is with a name that is like it.
func notFound(s stats.Snapshot, name string) Block {
	links := data.Rich{}
	for _, series := range s.Series {
		if len(links) < 20 && alike(series.Name, name) {
			links = append(links, data.Span{Text: seriesID(series), Href: instrumentHref(series, "")}, data.Span{Text: "  "})
		}
	}
	return Block{Title: "There is no such instrument", Notice: &data.Notice{
		Text:  data.Words(fmt.Sprintf("Nothing is counted as “%s” with these labels here, or nothing any more.", human.Middle(name, 80))),
		Links: links,
	}}
}

func alike(a, b string) bool {
	part, _, _ := strings.Cut(b, "_")
	return part != "" && strings.HasPrefix(a, part[:min(len(part), 6)])
}

// instrument is one series that is being shown.
type instrument struct {
	app    *app
	past   past
	series stats.Series
	id     string
	unit   string
}

func (i *instrument) get(p plane, largest bool) span { return i.past.get(i.id, p, largest) }

func (i *instrument) about() Block {
	fields := []Field{{Name: "kind", Title: "Kind", Cell: Cell{Value: i.series.Value.Kind().String()}}}
	for _, l := range i.series.Labels {
		fields = append(fields, Field{Name: l.Key, Cell: Cell{Value: l.Value}})
	}
	if since := i.app.resets.since(i.past.process, i.id); !since.IsZero() {
		fields = append(fields, Field{Name: "since", Title: "Counts since", Unit: data.UnitTime, Cell: Cell{Value: since}})
	}
	if i.unit != "" {
		fields = append(fields, Field{Name: "unit", Title: "Unit", Cell: Cell{Value: i.unit}})
	}
	if _, ok := i.series.Value.(*stats.DistributionSnapshot); ok {
		fields = append(fields, Field{Name: "error", Title: "Error", Cell: Cell{Value: "quantiles at most 1.1 %, count, sum, least and largest exact"}})
	}
	if i.app.Help != nil {
		if text := i.app.Help(i.series.Name); text != "" {
			fields = append([]Field{{Name: "help", Title: "What it is", Cell: Cell{Value: text}}}, fields...)
		}
	}
	return Block{Title: "About", Fields: fields}
}

func (i *instrument) over(title, note, unit string, log bool, lines ...named) Block {
	return Block{Name: "over time", Charts: []Chart{i.past.chart(title, note, unit, log, lines...)}}
}

func (i *instrument) counter(v stats.Count) []Block {
	rate := i.get(perSecond, false)
	return []Block{
		{Figures: []Field{
			{Name: "total", Title: "Total", Unit: i.unit, Cell: Cell{Value: float64(v)}},
			{Name: "rate", Title: "Now", Unit: data.UnitRate, Cell: Cell{Value: rate.last()}},
		}},
		i.over("Rate", "a second", data.UnitRate, false, line1("", data.Area, 1, rate)),
	}
}

func (i *instrument) gauge(v float64, title string) []Block {
	levels := i.get(level, true)
	return []Block{
		{Figures: []Field{{Name: "now", Title: title, Unit: i.unit, Cell: Cell{Value: v}}}},
		i.over("Level", "", i.unit, false, line1("", data.Area, 1, levels)),
	}
}

func (i *instrument) rate(v *stats.RateSnapshot) []Block {
	rate := i.get(perSecond, false)
	return []Block{
		{Figures: []Field{
			{Name: "ticks", Title: "Ticks", Cell: Cell{Value: float64(v.Ticks)}},
			{Name: "rate", Title: "Now", Unit: data.UnitRate, Cell: Cell{Value: rate.last()}},
			{Name: "mean", Title: "Mean", Unit: data.UnitRate, Cell: Cell{Value: v.PerSecond()}},
		}},
		i.over("Rate", "a second", data.UnitRate, false, line1("", data.Area, 1, rate)),
	}
}

func (i *instrument) cardinality(v *stats.CardinalitySnapshot) []Block {
	return []Block{
		{Figures: []Field{{Name: "distinct", Title: "Different ones", Note: "± " + human.Share(stats.CardinalityError).String(), Cell: Cell{Value: math.Round(v.Estimate())}}}},
		i.over("Different ones", "so far", "", false, line1("", data.Line, 1, i.get(level, true))),
	}
}

func (i *instrument) distribution(v *stats.DistributionSnapshot) []Block {
	if v.Count == 0 {
		return []Block{{Title: "No values yet", Notice: &data.Notice{Text: data.Words("This distribution has seen nothing so far.")}}}
	}
	blocks := []Block{{Name: "figures", Figures: i.figures(v)}}
	blocks = append(blocks, i.spread("Histogram", v)...)
	blocks[len(blocks)-1].Half = true
	blocks = append(blocks, i.moments(v))
	blocks = append(blocks, Block{Name: "over time", Charts: []Chart{
		i.quantilesOverTime(v),
		i.past.chart("Rate", "values a second", data.UnitRate, false, line1("", data.Area, 1, i.get(perSecond, false))),
	}})
	return append(blocks, i.windows("Last minutes", v.Minutes, 12), i.windows("Last hours", v.Hours, 12), samples("Largest", i.unit, v.Largest), samples("Recent", i.unit, v.Recent))
}

func (i *instrument) figures(v *stats.DistributionSnapshot) []Field {
	value := func(name, title string, x float64) Field {
		return Field{Name: name, Title: title, Unit: i.unit, Cell: Cell{Value: x}}
	}
	return []Field{
		{Name: "rate", Title: "Now", Unit: data.UnitRate, Cell: Cell{Value: i.get(perSecond, false).last()}},
		{Name: "count", Title: "Count", Cell: Cell{Value: float64(v.Count)}},
		value("p50", "p50", v.Quantile(0.5)), value("p95", "p95", v.Quantile(0.95)),
		value("p99", "p99", v.Quantile(0.99)), value("max", "Max", v.Max.Value),
		value("mean", "Mean", v.Mean), value("sum", "Sum", v.Sum),
	}
}

// spread is the histogram, of what is kept in buckets.
func (i *instrument) spread(title string, v *stats.DistributionSnapshot) []Block {
	if v == nil || v.Count == 0 {
		return nil
	}
	unit := i.unit
	if unit == "" && i.series.Value.Kind() == stats.KindRate {
		unit = data.UnitSeconds
	}
	h := &data.Histogram{Unit: unit, Max: v.Max.Value}
	if v.Zeros > 0 {
		h.Buckets = append(h.Buckets, data.Bucket{Count: float64(v.Zeros)})
	}
	for n, count := range v.Positive.Counts {
		if count > 0 {
			low, high := bucketBounds(v.Positive.Offset + int32(n))
			h.Buckets = append(h.Buckets, data.Bucket{Low: low, High: high, Count: float64(count)})
		}
	}
	for _, p := range []float64{0.5, 0.95, 0.99} {
		h.Quantiles = append(h.Quantiles, data.Quantile{P: p, Value: v.Quantile(p)})
	}
	return []Block{{Name: "histogram", Title: title, Note: data.Words("log axis, heights by square root; all since the start"), Histogram: h}}
}

// bucketBounds are those of OpenTelemetry's exponential buckets of scale 5.
func bucketBounds(index int32) (low, high float64) {
	return math.Exp2(float64(index) / 32), math.Exp2(float64(index+1) / 32)
}

func (i *instrument) moments(v *stats.DistributionSnapshot) Block {
	value := func(name, title string, x float64) Field {
		return Field{Name: name, Title: title, Unit: i.unit, Cell: Cell{Value: x}}
	}
	fields := []Field{
		value("deviation", "Standard deviation", v.Deviation()),
		{Name: "skewness", Title: "Skewness", Cell: Cell{Value: v.Skewness()}},
		{Name: "kurtosis", Title: "Kurtosis", Cell: Cell{Value: v.Kurtosis()}},
		value("trimean", "Trimean", v.Trimean()),
		value("geometric_mean", "Geometric mean", v.GeometricMean()),
		value("min", "Least", v.Min.Value),
		{Name: "min_at", Title: "Least seen", Unit: data.UnitTime, Cell: Cell{Value: v.Min.Time()}},
		{Name: "max_at", Title: "Largest seen", Unit: data.UnitTime, Cell: Cell{Value: v.Max.Time()}},
	}
	for n, d := range stats.Decays() {
		fields = append(fields, value("average_"+itoa(int(d.Seconds())), "Average, "+human.Duration(d.Seconds()).String(), v.Averages[n].Value()))
	}
	return Block{Title: "Shape", Note: data.Words("averages decay over the time given"), Half: true, Fields: fields}
}

// quantilesOverTime is of the history, or where it is not kept of the minutes
// that the distribution itself keeps.
func (i *instrument) quantilesOverTime(v *stats.DistributionSnapshot) Chart {
	lines := []named{
		line1("p99", data.Line, 2, i.get(p99, true)), line1("p95", data.Dashed, 5, i.get(p95, true)), line1("p50", data.Line, 1, i.get(p50, true)),
	}
	if len(lines[0].values) == 0 {
		lines = minuteLines(v.Minutes)
	}
	return i.past.chart("Quantiles", "log", i.unit, v.Min.Value > 0, lines...)
}

func minuteLines(minutes []stats.Window) []named {
	if len(minutes) == 0 {
		return nil
	}
	first, last := minutes[0].Start, minutes[len(minutes)-1].Start
	n := int((last-first)/int64(time.Minute)) + 1
	spans := [3]span{}
	for k := range spans {
		spans[k] = span{start: float64(first) / 1e9, step: 60, values: make(data.Numbers, n)}
		for j := range spans[k].values {
			spans[k].values[j] = math.NaN()
		}
	}
	for _, w := range minutes {
		at := int((w.Start - first) / int64(time.Minute))
		for k, q := range []float32{w.P99, w.P95, w.P50} {
			spans[k].values[at] = float64(q)
		}
	}
	return []named{line1("p99", data.Line, 2, spans[0]), line1("p95", data.Dashed, 5, spans[1]), line1("p50", data.Line, 1, spans[2])}
}

func (i *instrument) windows(title string, windows []stats.Window, most int) Block {
	t := &Table{Empty: "The first one has not ended yet.", Columns: []Column{
		{Name: "start", Title: "From", Unit: data.UnitTime}, {Name: "count", Title: "Count"},
		{Name: "mean", Title: "Mean", Unit: i.unit, Wide: true}, {Name: "p50", Title: "p50", Unit: i.unit}, {Name: "p95", Title: "p95", Unit: i.unit, Wide: true},
		{Name: "p99", Title: "p99", Unit: i.unit}, {Name: "max", Title: "Max", Unit: i.unit},
	}}
	for n := len(windows) - 1; n >= max(0, len(windows)-most); n-- {
		w := windows[n]
		t.Add(time.Unix(0, w.Start), float64(w.Count), w.Sum/max(1, float64(w.Count)), float64(w.P50), float64(w.P95), float64(w.P99), float64(w.Max))
	}
	return Block{Title: title, Half: true, Table: t}
}

func samples(title, unit string, all []stats.Sample) Block {
	t := &Table{Columns: []Column{{Name: "at", Title: "Seen", Unit: data.UnitTime}, {Name: "value", Title: "Value", Unit: unit}}}
	for n := len(all) - 1; n >= max(0, len(all)-12); n-- {
		s := all[n]
		if title == "Largest" {
			s = all[len(all)-1-n]
		}
		t.Add(s.Time(), s.Value)
	}
	return Block{Title: title, Half: true, Table: t}
}

func (i *instrument) states(v *stats.StatesSnapshot) []Block {
	g, t := stateGraph(v), &Table{Key: "state", Columns: []Column{
		{Name: "state", Title: "State"}, {Name: "present", Title: "Now"}, {Name: "visits", Title: "Visits ended"},
		{Name: "mean", Title: "Mean stay", Unit: data.UnitSeconds}, {Name: "p99", Title: "p99 stay", Unit: data.UnitSeconds}, {Name: "seconds", Title: "Time in it", Unit: data.UnitSeconds},
	}}
	for _, s := range v.States {
		mean, p := any(nil), any(nil)
		if s.Stays.Count > 0 {
			mean, p = s.Stays.Mean, s.Stays.Quantile(0.99)
		}
		t.Add(s.Name, float64(s.Present), float64(s.Stays.Count), mean, p, s.Seconds())
	}
	return []Block{{Name: "graph", Title: "States", Note: data.Words("moves so far; the state with most time is marked"), Graph: g}, {Title: "Time in each", Table: t}}
}

func stateGraph(v *stats.StatesSnapshot) *data.Graph {
	g := &data.Graph{}
	for _, s := range v.States {
		if s.Stays.Count == 0 && s.Present == 0 && !moved(v, s.Name) {
			continue // nothing was ever in it
		}
		stay := 0.0
		if s.Stays.Count > 0 {
			stay = s.Stays.Mean
		}
		g.Nodes = append(g.Nodes, data.Node{Name: s.Name, Now: float64(s.Present), Stay: stay, Total: s.Seconds()})
	}
	for _, m := range v.Moves {
		g.Edges = append(g.Edges, data.Edge{From: m.From, To: m.To, Count: float64(m.Count)})
	}
	g.Nodes = ui.Flow(g.Nodes, g.Edges)
	return g
}

func moved(v *stats.StatesSnapshot, name string) bool {
	for _, m := range v.Moves {
		if m.From == name || m.To == name {
			return true
		}
	}
	return false
}

// top is a table of heavy hitters, with what each weighs at least and at most.
func top(title string, v *stats.TopSnapshot, most int) Block {
	t := &Table{Key: "key", Filter: true, Empty: "Nobody has been seen yet.", Columns: []Column{
		{Name: "key", Title: "Key", Unit: data.UnitCode}, {Name: "share", Title: "Share", Unit: data.UnitRatio},
		{Name: "least", Title: "At least"}, {Name: "most", Title: "At most"},
	}}
	for _, h := range v.Heaviest(most) {
		low, high := v.Bounds(h.Key)
		t.Add(h.Key, float64(low)/max(1, float64(v.Total)), float64(low), float64(high))
	}
	return Block{Title: title, Note: data.Words(fmt.Sprintf("%s in all, the error is at most %s", human.Count(float64(v.Total)), human.Count(float64(v.Lost)))), Table: t}
}
