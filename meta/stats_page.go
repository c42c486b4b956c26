package meta

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/ui"
	"github.com/support-go/support/stats"
)

// statsPage lists all instruments.
func (a *app) statsPage(ctx context.Context, q url.Values) (any, error) {
	s, err := a.numbers(ctx, q.Get("worker"))
	if err != nil {
		return nil, err
	}
	t := &Table{Key: "name", Filter: true, Empty: "Nothing has been counted yet.", Columns: []Column{
		{Name: "name", Title: "Instrument", Unit: data.UnitCode}, {Name: "kind", Title: "Kind", Wide: true}, {Name: "hour", Title: "1 h", Wide: true},
		{Name: "total", Title: "Total or now"}, {Name: "rate", Title: "Per second"},
		{Name: "p50", Title: "p50"}, {Name: "p95", Title: "p95", Wide: true}, {Name: "p99", Title: "p99"},
	}}
	for _, series := range s.Series {
		if kind := q.Get("kind"); kind == "" || kind == series.Value.Kind().String() {
			instrumentRow(t, a.past(q), series)
		}
	}
	return Block{Name: "instruments", Title: fmt.Sprintf("%d instruments", len(s.Series)), Note: kinds(s.Series, q), Table: t}, nil
}

// kinds lets choose one kind of instrument.
func kinds(all []stats.Series, q url.Values) data.Rich {
	note := data.Rich{{Text: "all", Href: withQuery(q, "kind", "")}}
	var seen []string
	for _, s := range all {
		if k := s.Value.Kind().String(); !slices.Contains(seen, k) {
			seen = append(seen, k)
		}
	}
	slices.Sort(seen)
	for _, k := range seen {
		note = append(note, data.Span{Text: " · "}, data.Span{Text: k, Href: withQuery(q, "kind", k), Strong: q.Get("kind") == k})
	}
	return note
}

func instrumentRow(t *Table, p past, s stats.Series) {
	id := seriesID(s)
	unit := unitOf(s.Name)
	rate := p.get(id, perSecond, false)
	row := []any{Cell{Value: id, Href: instrumentHref(s, p.process)}, s.Value.Kind().String(), sparkOf(rate.values)}
	number := func(v any, unit string) Cell { return Cell{Value: v, Unit: unit} }
	switch v := s.Value.(type) {
	case stats.Count:
		row = append(row, number(float64(v), unit), rate.last())
	case stats.Level:
		row[2] = sparkOf(p.get(id, level, false).values)
		row = append(row, number(float64(v), unit), "")
	case stats.Greatest:
		row = append(row, number(float64(v), unit), "")
	case *stats.RateSnapshot:
		row = append(row, float64(v.Ticks), rate.last())
	case *stats.DistributionSnapshot:
		row = append(row, float64(v.Count), rate.last())
		if v.Count > 0 {
			row = append(row, number(v.Quantile(0.5), unit), number(v.Quantile(0.95), unit), number(v.Quantile(0.99), unit))
		}
	case *stats.StatesSnapshot:
		present := 0.0
		for _, st := range v.States {
			present += float64(st.Present)
		}
		row = append(row, present, "")
	case *stats.TopSnapshot:
		row = append(row, float64(v.Total), "")
	case *stats.CardinalitySnapshot:
		row = append(row, v.Estimate(), "")
	}
	for len(row) < len(t.Columns) {
		row = append(row, Cell{Value: ""})
	}
	t.Add(row...)
}

func sparkOf(values data.Numbers) Cell {
	if len(values) < 2 || !slices.ContainsFunc(values, func(v float64) bool { return v > 0 || v < 0 }) {
		return Cell{Value: ""} // nothing, or nothing but zeros
	}
	return Cell{Spark: values[max(0, len(values)-60):]}
}

// instrumentHref is the address of an instrument's own page.
func instrumentHref(s stats.Series, process string) string {
	var pairs []string
	for _, l := range s.Labels {
		pairs = append(pairs, "l."+l.Key, l.Value)
	}
	if process != "" {
		pairs = append(pairs, "worker", process)
	}
	href := "stats/" + url.PathEscape(s.Name)
	if len(pairs) > 0 {
		href += ui.Query(pairs...)
	}
	return href
}

// unitOf is the unit of an instrument, by its name.
func unitOf(name string) string {
	switch unit := stats.Unit(name); {
	case unit == "bytes" && (strings.HasPrefix(name, "http.") || strings.Contains(name, "sent") || strings.Contains(name, "received")):
		return data.UnitTraffic
	default:
		return unit
	}
}
