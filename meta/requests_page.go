package meta

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/ui"
	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

// requestsPage is the table of routes.
func (a *app) requestsPage(ctx context.Context, q url.Values) (any, error) {
	process := q.Get("worker")
	s, err := a.numbers(ctx, process)
	if err != nil {
		return nil, err
	}
	inFlight := a.inFlight(ctx, process)
	p := a.past(q)
	t := &Table{Key: "route", Filter: true, Sorted: "-rate", Empty: "No request has been answered yet.", Columns: []Column{
		{Name: "route", Title: "Route"}, {Name: "server", Title: "Server", Wide: true}, {Name: "rate", Title: "Per second"}, {Name: "hour", Title: "1 h", Wide: true}, {Name: "in_flight", Title: "In flight"},
		{Name: "p50", Title: "p50", Unit: data.UnitSeconds}, {Name: "p95", Title: "p95", Unit: data.UnitSeconds, Wide: true}, {Name: "p99", Title: "p99", Unit: data.UnitSeconds}, {Name: "max", Title: "Max", Unit: data.UnitSeconds, Wide: true},
		{Name: "count", Title: "Count"}, {Name: "errors", Title: "Errors", Unit: data.UnitRatio}, {Name: "sent", Title: "Mean answer", Unit: data.UnitTraffic, Wide: true},
	}}
	for _, r := range requests.Summaries(s) {
		rate := p.get(routeSeries(requestSeconds, r), perSecond, false)
		row := t.Add(Cell{Value: routeTitle(r.Route), Href: routeHref(r, process)}, r.Server, rate.last(), sparkOf(rate.values), inFlight[r.Route],
			quantile(r.Seconds, 0.5), quantile(r.Seconds, 0.95), quantile(r.Seconds, 0.99), quantile(r.Seconds, 1),
			r.Count, errorShare(r), r.SentMean)
		if r.Count == 0 {
			row.Cells[11].Value = nil
		}
	}
	return View{Blocks: []Block{{Name: "figures", Figures: p.requestFigures(inFlight)}, {Name: "routes", Title: itoa(len(t.Rows)) + " routes", Note: data.Words("quantiles of all since the start; rates of the last 10 s"), Table: t}}}, nil
}

// requestFigures are of all routes together, of late.
func (p past) requestFigures(inFlight map[string]float64) []Field {
	running := 0.0
	for _, n := range inFlight {
		running += n
	}
	failed, shed := Cell{Value: p.shareFailed().last()}, Cell{Value: p.shareShed().last()}
	for _, c := range []*Cell{&failed, &shed} {
		switch share, _ := c.Number(); {
		case share >= shareWrong:
			c.State = data.Wrong
		case share >= shareToLook:
			c.State = data.Look
		}
	}
	quantile := func(name string, of plane) Field {
		return Field{Name: name, Title: name, Unit: data.UnitSeconds, Cell: Cell{Value: p.get(totalOf+requestSeconds, of, true).last()}}
	}
	return []Field{
		{Name: "rate", Title: "Rate", Unit: data.UnitRate, Cell: Cell{Value: p.served().last()}},
		{Name: "in_flight", Title: "In flight", Cell: Cell{Value: running, Href: "inflight"}},
		quantile("p50", p50), quantile("p99", p99),
		{Name: "errors", Title: "Errors", Unit: data.UnitRatio, Cell: failed},
		{Name: "shed", Title: "Shed", Unit: data.UnitRatio, Cell: shed},
	}
}

func routeTitle(route string) string {
	if route == "" {
		return "(none)"
	}
	return route
}

func routeHref(r requests.Summary, process string) string {
	q := url.Values{"server": {r.Server}}
	if process != "" {
		q.Set("worker", process)
	}
	return "requests/" + url.PathEscape(routeTitle(r.Route)) + "?" + q.Encode()
}

// routeSeries is the id of one of the series of a route, see seriesID.
func routeSeries(name string, r requests.Summary) string {
	s := stats.Series{Name: name, Labels: []stats.Label{{Key: "route", Value: r.Route}}}
	if r.Server != "" {
		s.Labels = append(s.Labels, stats.Label{Key: "server", Value: r.Server})
	}
	return seriesID(s)
}

func quantile(d *stats.DistributionSnapshot, p float64) any {
	if d == nil || d.Count == 0 {
		return nil
	}
	return d.Quantile(p)
}

// meanOf is of those that had a body; nothing if none had.
func meanOf(d *stats.DistributionSnapshot) any {
	if d == nil || d.Count == 0 {
		return nil
	}
	return d.Mean
}

func errorShare(r requests.Summary) any {
	if r.Count == 0 {
		return nil
	}
	return float64(r.Failures()) / float64(r.Count)
}

// inFlight asks the workers how many requests run on each route.
func (a *app) inFlight(ctx context.Context, process string) map[string]float64 {
	counts := make(map[string]float64)
	for _, b := range a.askFor(ctx, "routes", process, nil).Blocks {
		if b.Table == nil {
			continue
		}
		for _, r := range b.Table.Rows {
			if n, ok := r.Cells[1].Number(); ok {
				counts[r.Cells[0].String()] += n
			}
		}
	}
	return counts
}

// askFor asks workers for one of their pages, as a part of another one. Who
// does not answer is left out.
func (a *app) askFor(ctx context.Context, path, process string, query url.Values) View {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var sources []Source
	for _, s := range a.sources(ctx) {
		if process == "" || process == s.Name {
			sources = append(sources, s)
		}
	}
	var good []data.Answer
	for _, got := range ask(ctx, sources, path, query) {
		if got.err == nil {
			good = append(good, data.Answer{From: got.name, View: got.view})
		}
	}
	return data.MergeAll(good)
}

// routePage shows one route.
func (a *app) routePage(ctx context.Context, q url.Values) (any, error) {
	process := q.Get("worker")
	s, err := a.numbers(ctx, process)
	if err != nil {
		return nil, err
	}
	for _, r := range requests.Summaries(s) {
		if routeTitle(r.Route) == q.Get("name") && (q.Get("server") == "" || q.Get("server") == r.Server) {
			return a.route(ctx, r, a.past(q)), nil
		}
	}
	return Block{Title: "Nothing is known of this route", Notice: &data.Notice{
		Text:  data.Words("No request on “" + human.Middle(q.Get("name"), 80) + "” has been answered since the group started."),
		Links: data.Rich{{Text: "All routes", Href: "requests"}},
	}}, nil
}

func (a *app) route(ctx context.Context, r requests.Summary, p past) View {
	i := instrument{app: a, past: p, id: routeSeries(requestSeconds, r), unit: data.UnitSeconds}
	i.series.Value = r.Seconds
	blocks := []Block{{Name: "figures", Figures: a.routeFigures(ctx, r, i)}}
	if r.Seconds != nil && r.Seconds.Count > 0 {
		histogram := i.spread("Latency", r.Seconds)
		histogram[0].Half = true
		blocks = append(blocks, histogram...)
	}
	if r.States != nil {
		blocks = append(blocks, timeline(r.States))
	}
	if p.process == "" {
		blocks = append(blocks, a.workersOf(ctx, r, p)...)
	}
	if r.Seconds != nil {
		blocks = append(blocks, Block{Name: "over time", Charts: []Chart{
			i.quantilesOverTime(r.Seconds),
			p.chart("Requests", "per second", data.UnitRate, false, line1("", data.Area, 1, i.get(perSecond, false))),
		}})
	}
	if r.States != nil && len(r.States.States) > 0 {
		blocks = append(blocks, Block{Name: "states", Title: "States", Note: data.Words("requests that were followed: how many went where"), Graph: onTheirWay(stateGraph(r.States))})
	}
	late := a.askFor(ctx, "finished", p.process, url.Values{"route": {r.Route}})
	for _, b := range late.Blocks {
		if b.Table != nil {
			b.Table.Rows = b.Table.Rows[:min(len(b.Table.Rows), maxLate)]
			b.Table.Total = 0
		}
	}
	return View{Blocks: append(blocks, late.Blocks...)}
}

// workersOf shows one route beside each other in all workers, and marks the odd
// one.
func (a *app) workersOf(ctx context.Context, r requests.Summary, p past) []Block {
	t := &Table{Key: "worker", Columns: []Column{
		{Name: "worker", Title: "Worker"}, {Name: "rate", Title: "Per second"}, {Name: "count", Title: "Count", Wide: true},
		{Name: "p50", Title: "p50", Unit: data.UnitSeconds}, {Name: "p95", Title: "p95", Unit: data.UnitSeconds, Wide: true}, {Name: "p99", Title: "p99", Unit: data.UnitSeconds},
		{Name: "hour", Title: "p99, " + p.name(), Unit: data.UnitSeconds, Wide: true}, {Name: "max", Title: "Max", Unit: data.UnitSeconds, Wide: true}, {Name: "errors", Title: "Errors", Unit: data.UnitRatio},
		{Name: "why", Title: "Why it is odd", Wrap: true},
	}}
	var slow []float64
	for _, one := range lookOf(ctx).group.Processes {
		if !one.Serves {
			continue
		}
		s, err := a.numbers(ctx, one.Name)
		if err != nil {
			continue
		}
		for _, own := range requests.Summaries(s) {
			if own.Route != r.Route || own.Server != r.Server {
				continue
			}
			of := p.of(one.Name)
			id := routeSeries(requestSeconds, r)
			late := of.get(id, p99, true)
			t.Add(Cell{Value: one.Name, Href: ui.Query("worker", one.Name)}, of.get(id, perSecond, false).last(), own.Count, quantile(own.Seconds, 0.5), quantile(own.Seconds, 0.95),
				quantile(own.Seconds, 0.99), sparkOf(late.values), quantile(own.Seconds, 1), errorShare(own), Cell{Value: ""})
			slow = append(slow, late.last())
		}
	}
	if len(t.Rows) < 2 {
		return nil
	}
	if odd := data.Odd(slow); odd >= 0 {
		row := &t.Rows[odd]
		row.State = data.Look
		row.Cells[9].Value = fmt.Sprintf("p99 is %s now, that of the others about %s", human.Duration(slow[odd]), human.Duration(median(slow)))
		row.Cells[6].State = data.Look
	}
	return []Block{{Name: "workers", Title: "Side by side", Note: data.Words("since each worker's start; odd is a p99 of late more than three deviations from the median"), Table: t}}
}

// maxLate is how many of the slowest, failed and recent requests are shown.
const maxLate = 10

func (a *app) routeFigures(ctx context.Context, r requests.Summary, i instrument) []Field {
	value := func(name, title, unit string, v any) Field {
		return Field{Name: name, Title: title, Unit: unit, Cell: Cell{Value: v}}
	}
	p := i.get(p99, true)
	last := value("p99", "p99", data.UnitSeconds, quantile(r.Seconds, 0.99))
	if now, before := p.last(), p.usual(); !math.IsNaN(now) && before > 0 && now > 2*before {
		last.Cell = Cell{Value: now, State: data.Look}
		last.Note = "was " + human.Duration(before).String()
	}
	errors := value("errors", "Errors", data.UnitRatio, errorShare(r))
	if share, ok := errors.Cell.Value.(float64); ok && share > 0.01 {
		errors.Cell.State = data.Look
	}
	return []Field{
		value("rate", "Rate", data.UnitRate, i.get(perSecond, false).last()),
		value("in_flight", "In flight", "", a.inFlight(ctx, i.past.process)[r.Route]),
		value("p50", "p50", data.UnitSeconds, quantile(r.Seconds, 0.5)), value("p95", "p95", data.UnitSeconds, quantile(r.Seconds, 0.95)), last,
		value("max", "Max", data.UnitSeconds, quantile(r.Seconds, 1)), errors,
		value("count", "Count", "", r.Count), value("request", "Mean request", data.UnitTraffic, meanOf(r.Received)), value("answer", "Mean answer", data.UnitTraffic, meanOf(r.Sent)),
	}
}

// stages are those on the way of a request, as package requests names them, and
// the phases that they make up.
func stages() []struct {
	phase string
	color int
	names []string
} {
	return []struct {
		phase string
		color int
		names []string
	}{
		{"backlog", 2, []string{"backlog"}}, {"queue", 5, []string{"queue"}}, {"handshake", 4, []string{"handshake"}}, {"first byte", 6, []string{"header"}},
		{"handler", 1, []string{"handling", "reading", "answering"}}, {"write", 3, []string{"writing", "flushing"}},
	}
}

// timeline divides the time of a request among the phases on its way, at the
// mean and at percentiles of each. A phase that a request did not have took no
// time.
func timeline(v *stats.StatesSnapshot) Block {
	all := uint64(0)
	for _, m := range v.Moves {
		if m.From == "" {
			all += m.Count
		}
	}
	rows := []struct {
		name string
		of   func(*stats.DistributionSnapshot) float64
	}{
		{"mean", func(d *stats.DistributionSnapshot) float64 { return d.Sum / max(1, float64(all)) }},
		{"p50", func(d *stats.DistributionSnapshot) float64 { return quantileOf(d, all, 0.5) }},
		{"p90", func(d *stats.DistributionSnapshot) float64 { return quantileOf(d, all, 0.9) }},
		{"p95", func(d *stats.DistributionSnapshot) float64 { return quantileOf(d, all, 0.95) }},
		{"p99", func(d *stats.DistributionSnapshot) float64 { return quantileOf(d, all, 0.99) }},
		{"p99.9", func(d *stats.DistributionSnapshot) float64 { return quantileOf(d, all, 0.999) }},
	}
	var shares []data.Share
	for _, row := range rows {
		share := data.Share{Name: row.name, Unit: data.UnitSeconds}
		for _, stage := range stages() {
			x := 0.0
			for _, name := range stage.names {
				if s := v.State(name); s.Stays.Count > 0 {
					x += row.of(s.Stays)
				}
			}
			share.Parts = append(share.Parts, data.Part{Name: stage.phase, Color: stage.color, Value: x})
			share.Total += x
		}
		shares = append(shares, share)
	}
	return Block{Name: "timeline", Title: "From accept to answer", Note: data.Words("each phase at its own percentile, of those followed"), Half: true, Shares: shares}
}

// quantileOf is the quantile of all things, of which those that d has not seen
// count as 0.
func quantileOf(d *stats.DistributionSnapshot, all uint64, p float64) float64 {
	seen := min(1, float64(d.Count)/max(1, float64(all)))
	if p <= 1-seen {
		return 0
	}
	return d.Quantile((p - (1 - seen)) / seen)
}

// onTheirWay puts the states of requests into the order in which a request goes
// through them.
func onTheirWay(g *data.Graph) *data.Graph {
	place := make(map[string]int)
	for i, name := range []string{"backlog", "queue", "handshake", "header", "handling", "reading", "writing", "answering", "flushing"} {
		place[name] = i + 1
	}
	slices.SortStableFunc(g.Nodes, func(a, b data.Node) int {
		x, y := place[a.Name], place[b.Name]
		if x == 0 || y == 0 { // how it ended comes last
			return y - x
		}
		return x - y
	})
	return g
}
