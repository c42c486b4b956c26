package meta

import (
	"context"
	"math"
	"net/url"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/stats"
)

// talkersPage shows who weighs most, and how many different ones there are.
func (a *app) talkersPage(ctx context.Context, q url.Values) (any, error) {
	s, err := a.numbers(ctx, q.Get("worker"))
	if err != nil {
		return nil, err
	}
	var figures []Field
	var tables []Block
	for _, series := range s.Series {
		switch v := series.Value.(type) {
		case *stats.CardinalitySnapshot:
			figures = append(figures, Field{
				Name: seriesID(series), Title: series.Name, Cell: Cell{Value: math.Round(v.Estimate()), Href: instrumentHref(series, q.Get("worker"))},
				Note: "different, ± " + human.Share(stats.CardinalityError).String(),
			})
		case *stats.TopSnapshot:
			table := top(seriesID(series), v, 25)
			table.Half = true
			tables = append(tables, table)
		}
	}
	if figures == nil && tables == nil {
		return Block{Title: "Nobody is counted", Notice: &data.Notice{
			Text: data.Words("There is no Top and no Cardinality among the statistics. Count who sends most:"),
			Code: `reg.Top("orders.customers").Add(customer)`,
		}}, nil
	}
	var blocks []Block
	if figures != nil {
		blocks = []Block{{Name: "distinct", Figures: figures}}
	}
	return View{Blocks: append(blocks, tables...)}, nil
}
