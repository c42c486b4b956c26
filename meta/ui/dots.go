package ui

import (
	"fmt"
	"math"
	"strings"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// The drawing of dots: in columns, one above the other, as many as there is room
// for.
const (
	dotColumns = 80
	dotRows    = 12
	dotStep    = 8.0
)

// dots is a data.Dots, ready to be written.
type dots struct {
	ID, Says string
	Keys     []key
	XTicks   []xTick
	Paths    []drawn
	LimitX   string
	Limit    string
	Hits     []hit
}

func newDots(d *data.Dots, id string) *dots {
	out := &dots{ID: id}
	low, high := 0.001, 10.0
	all := 0
	for _, g := range d.Groups {
		all += len(g.Values)
		for _, v := range g.Values {
			if v > 0 && !math.IsInf(v, 1) {
				low, high = min(low, v), max(high, v*1.01)
			}
		}
	}
	low = max(low, high*1e-6)
	span := math.Log(high / low)
	x := func(v float64) float64 { return max(0, min(1, math.Log(max(v, low)/low)/span)) }
	var count [dotColumns][]int // by group
	for n, g := range d.Groups {
		out.Keys = append(out.Keys, key{Name: g.Name, Color: g.Color, Value: human.Count(float64(len(g.Values))).String()})
		for _, v := range g.Values {
			if math.IsNaN(v) {
				continue
			}
			at := min(dotColumns-1, int(x(v)*dotColumns))
			if count[at] == nil {
				count[at] = make([]int, len(d.Groups))
			}
			count[at][n]++
		}
	}
	out.draw(d, count[:])
	for i, c := range count {
		if c != nil {
			from, to := low*math.Exp(span*float64(i)/dotColumns), low*math.Exp(span*float64(i+1)/dotColumns)
			out.Hits = append(out.Hits, hit{number(100 * float64(i) / dotColumns), number(100.0 / dotColumns), columnTitle(d, c, from, to)})
		}
	}
	for p := math.Ceil(math.Log10(low)); p <= math.Log10(high); p++ {
		v := math.Pow(10, p)
		out.XTicks = append(out.XTicks, xTick{number(100 * x(v)), tickLabel(v, d.Unit), anchor(x(v))})
	}
	if d.Limit > 0 && d.Limit <= high {
		out.LimitX, out.Limit = number(100*x(d.Limit)), human.Of(d.Limit, d.Unit).String()
	}
	out.Says = fmt.Sprintf("%d, one dot each, from %s to %s", all, human.Of(low, d.Unit), human.Of(high, d.Unit))
	return out
}

func anchor(at float64) string {
	switch {
	case at < 0.02:
		return ""
	case at > 0.98:
		return "e"
	}
	return "m"
}

// draw stacks the dots of each column, group by group.
func (d *dots) draw(from *data.Dots, columns [][]int) {
	for n, g := range from.Groups {
		var path strings.Builder
		for i, c := range columns {
			below := 0
			for k := range n {
				if c != nil {
					below += c[k]
				}
			}
			for row := below; c != nil && row < min(dotRows, below+c[n]); row++ {
				fmt.Fprintf(&path, "M%s %sh0", number(1000*(float64(i)+0.5)/dotColumns), number(100-dotStep*(float64(row)+0.6)))
			}
		}
		if path.Len() > 0 {
			d.Paths = append(d.Paths, drawn{fmt.Sprintf("pt s%d", g.Color), path.String()})
		}
	}
}

// columnTitle says what stands in a column.
func columnTitle(d *data.Dots, count []int, from, to float64) string {
	title := fmt.Sprintf("%s to %s\t", human.Of(from, d.Unit), human.Of(to, d.Unit))
	for n, g := range d.Groups {
		if count[n] > 0 {
			title += fmt.Sprintf("\n%s\t%d", g.Name, count[n])
		}
	}
	return title
}
