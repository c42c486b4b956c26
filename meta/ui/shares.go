package ui

import (
	"fmt"
	"slices"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// shares are rows that divide each whole into the same parts.
type shares struct {
	Keys []key
	Rows []shareRow
}

type shareRow struct {
	Name, Total, Says string
	Parts             []sharePart
}

type sharePart struct {
	Color       int
	X, W, Title string
}

func newShares(all []data.Share) *shares {
	s := &shares{}
	for _, d := range all {
		r := shareRow{Name: d.Name, Total: human.Of(d.Total, d.Unit).String()}
		sum := 0.0
		for _, p := range d.Parts {
			sum += max(0, p.Value)
		}
		at := 0.0
		for _, p := range d.Parts {
			if !slices.ContainsFunc(s.Keys, func(k key) bool { return k.Name == p.Name }) {
				s.Keys = append(s.Keys, key{Name: p.Name, Color: p.Color})
			}
			if p.Value <= 0 || sum == 0 {
				continue
			}
			w := 100 * p.Value / sum
			r.Parts = append(r.Parts, sharePart{p.Color, number(at), number(max(0.1, w-0.2)), fmt.Sprintf("%s %s, %s", p.Name, human.Of(p.Value, d.Unit), human.Share(p.Value/sum))})
			at += w
		}
		r.Says = largestTwo(d)
		s.Rows = append(s.Rows, r)
	}
	return s
}

// largestTwo names the parts that matter most.
func largestTwo(d data.Share) string {
	parts := slices.Clone(d.Parts)
	slices.SortStableFunc(parts, func(a, b data.Part) int {
		switch {
		case a.Value > b.Value:
			return -1
		case a.Value < b.Value:
			return 1
		}
		return 0
	})
	says := ""
	for _, p := range parts[:min(2, len(parts))] {
		if p.Value > 0 {
			if says != "" {
				says += " · "
			}
			says += p.Name + " " + human.Of(p.Value, d.Unit).String()
		}
	}
	return says
}
