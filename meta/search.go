package meta

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/support-go/support/meta/data"
)

const maxFound = 100

// searchPage finds pages, routes and instruments by their names.
func (a *app) searchPage(ctx context.Context, q url.Values) (any, error) {
	wanted := strings.TrimSpace(q.Get("q"))
	if wanted == "" {
		return Block{Title: "Search", Notice: &data.Notice{Text: data.Words("Type a part of the name of a page, a route or an instrument.")}}, nil
	}
	words := strings.Fields(strings.ToLower(wanted))
	fits := func(name string) bool {
		for _, w := range words {
			if !strings.Contains(strings.ToLower(name), w) {
				return false
			}
		}
		return true
	}
	t := &Table{Columns: []Column{{Name: "name", Title: "Found"}, {Name: "kind", Title: "Kind"}}}
	for _, p := range a.pages {
		if !p.Hidden && (fits(p.Title) || fits(p.Path)) {
			href := p.Path
			if href == "" {
				href = "."
			}
			t.Add(Cell{Value: p.Title, Href: href}, "page")
		}
	}
	if s, err := a.numbers(ctx, ""); err == nil {
		for _, series := range s.Series {
			if len(t.Rows) < maxFound && fits(seriesID(series)) {
				t.Add(Cell{Value: seriesID(series), Href: instrumentHref(series, "")}, series.Value.Kind().String())
			}
		}
	}
	t.Empty = fmt.Sprintf("Nothing has “%s” in its name.", wanted)
	return Block{Title: fmt.Sprintf("%d found", len(t.Rows)), Note: data.Words("for “" + wanted + "”"), Table: t}, nil
}
