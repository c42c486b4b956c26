package ui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// The drawing: 103 high, below a strip for the letters of events.
const (
	chartTop    = 17.0
	chartHeight = 103.0
)

// chart is a data.Chart, ready to be written. Text and marks lie at
// percentages of the width, so that they keep their size, and lines in a
// drawing that is stretched.
type chart struct {
	ID, Title, Note, Says, Empty string
	Keys                         []key
	Ticks                        []yTick
	XTicks                       []xTick
	Gaps                         []gap
	Marks                        []chartMark
	LimitY                       string
	Paths                        []drawn
	Hits                         []hit
}

type key struct {
	Name, Value, Unit string
	Color             int
}

type yTick struct {
	Y, TextY, Label string
	Base            bool
}

type gap struct{ X, W, Title string }

type chartMark struct{ X, Letter, Title string }

type drawn struct{ Class, D string }

type hit struct{ X, W, Title string }

func newChart(d *data.Chart, id string) *chart {
	c := &chart{ID: id, Title: d.Title, Note: d.Note, Says: d.Says}
	if c.Says == "" {
		c.Says = d.Title + ", " + d.Note
	}
	n := 0
	for _, s := range d.Series {
		n = max(n, len(s.Values))
	}
	c.keys(d)
	if n == 0 || d.Empty != "" {
		c.Empty = d.Empty
		if c.Empty == "" {
			c.Empty = "nothing was recorded"
		}
		return c
	}
	length := float64(n-1) * d.Step
	if n == 1 {
		length = d.Step
	}
	tops := stacked(d.Series, n)
	s := chartScale(d, tops)
	c.axes(s, d, length)
	for i, series := range d.Series {
		c.series(series, tops[i], below(d.Series, tops, i), n, s)
	}
	c.gaps(d, n)
	c.hits(d, n)
	return c
}

// stacked are the values of each series, on top of those that it stands on.
func stacked(all []data.Series, n int) [][]float64 {
	tops := make([][]float64, len(all))
	sum := make([]float64, n)
	for i, s := range all {
		tops[i] = s.Values
		if s.Shape != data.Stacked {
			continue
		}
		tops[i] = make([]float64, len(s.Values))
		for j, v := range s.Values {
			sum[j] += v
			tops[i][j] = sum[j]
		}
	}
	return tops
}

// below is what a stacked series stands on, or nil.
func below(all []data.Series, tops [][]float64, i int) []float64 {
	if all[i].Shape == data.Stacked {
		for j := i - 1; j >= 0; j-- {
			if all[j].Shape == data.Stacked {
				return tops[j]
			}
		}
	}
	return nil
}

func chartScale(d *data.Chart, tops [][]float64) scale {
	low, high := math.Inf(1), 0.0
	for _, values := range tops {
		for _, v := range values {
			if !math.IsNaN(v) {
				high = max(high, v)
				if v > 0 {
					low = min(low, v)
				}
			}
		}
	}
	if d.Log {
		return logarithmic(low, high)
	}
	if d.Limit > 0 && d.Limit < 3*high { // a limit far away would flatten all else
		high = max(high, d.Limit)
	}
	return linear(high, d.Unit)
}

func (c *chart) axes(s scale, d *data.Chart, length float64) {
	for i, v := range s.ticks {
		y := chartTop + chartHeight*(1-s.at(v))
		c.Ticks = append(c.Ticks, yTick{number(y), number(y + 4), tickLabel(v, d.Unit), i == 0})
	}
	c.XTicks = timeTicks(d.Start, length)
	if d.Limit > 0 && s.at(d.Limit) <= 1 {
		c.LimitY = number(chartTop + chartHeight*(1-s.at(d.Limit)))
	}
	for _, m := range d.Marks {
		x := (m.At - d.Start) / length
		if x >= 0 && x <= 1 {
			c.Marks = append(c.Marks, chartMark{number(100 * x), m.Letter, m.Title})
		}
	}
}

// keys is the legend, which is the readout as well.
func (c *chart) keys(d *data.Chart) {
	for _, s := range d.Series {
		if s.Shape == data.Thin {
			continue
		}
		k := key{Name: s.Name, Color: s.Color, Value: human.None}
		if last := len(s.Values) - 1; last >= 0 && !math.IsNaN(s.Values[last]) {
			q := human.Of(s.Values[last], d.Unit)
			k.Value, k.Unit = q.Text, q.Unit
		}
		if len(d.Series) == 1 {
			k.Name, k.Color = "", 0
		}
		c.Keys = append(c.Keys, k)
	}
}

// series draws lines between points that are there, and none over a gap.
func (c *chart) series(s data.Series, tops, floor []float64, n int, y scale) {
	x := func(i int) float64 { return 1000 * float64(i) / max(1, float64(n-1)) }
	at := func(v float64) float64 { return 100 * (1 - y.at(v)) }
	var line, area strings.Builder
	for i := 0; i < len(tops); i++ {
		if math.IsNaN(tops[i]) {
			continue
		}
		end := i
		for end+1 < len(tops) && !math.IsNaN(tops[end+1]) {
			end++
		}
		for j := i; j <= end; j++ {
			letter := "L"
			if j == i {
				letter = "M"
			}
			point := fmt.Sprintf("%s%.0f %s", letter, x(j), number(at(tops[j])))
			line.WriteString(point)
			area.WriteString(point)
		}
		if i == end {
			line.WriteString("h0")
		}
		for j := end; j >= i; j-- {
			base := 100.0
			if floor != nil && j < len(floor) && !math.IsNaN(floor[j]) {
				base = at(floor[j])
			}
			fmt.Fprintf(&area, "L%.0f %s", x(j), number(base))
		}
		area.WriteString("Z")
		i = end
	}
	c.paint(s, line.String(), area.String())
	if last := len(tops) - 1; last >= 0 && !math.IsNaN(tops[last]) && s.Shape != data.Thin && s.Shape != data.Stacked {
		c.Paths = append(c.Paths, drawn{fmt.Sprintf("pt s%d", s.Color), fmt.Sprintf("M%.0f %sh0", x(last), number(at(tops[last])))})
	}
}

func (c *chart) paint(s data.Series, line, area string) {
	switch s.Shape {
	case data.Area:
		c.Paths = append(c.Paths, drawn{fmt.Sprintf("f%d area", s.Color), area})
	case data.Stacked:
		c.Paths = append(c.Paths, drawn{fmt.Sprintf("f%d stack", s.Color), area})
		return
	case data.Thin:
		c.Paths = append(c.Paths, drawn{fmt.Sprintf("ln thin s%d", s.Color), line})
		return
	case data.Dashed:
		c.Paths = append(c.Paths, drawn{fmt.Sprintf("ln dash s%d", s.Color), line})
		return
	}
	c.Paths = append(c.Paths, drawn{fmt.Sprintf("ln s%d", s.Color), line})
}

// gaps hatches where no series has a value.
func (c *chart) gaps(d *data.Chart, n int) {
	x := func(i int) float64 { return 100 * float64(i) / max(1, float64(n-1)) }
	for i := 0; i < n; i++ {
		if !silent(d.Series, i) {
			continue
		}
		end := i
		for end+1 < n && silent(d.Series, end+1) {
			end++
		}
		from, to := x(max(0, i-1)), x(min(n-1, end+1))
		c.Gaps = append(c.Gaps, gap{number(from), number(to - from), "no data: nothing happened, or nobody answered"})
		i = end
	}
}

func silent(all []data.Series, i int) bool {
	for _, s := range all {
		if i < len(s.Values) && !math.IsNaN(s.Values[i]) {
			return false
		}
	}
	return true
}

// hits are the places that say their values, at most 60: without script as the
// title of a bar nobody sees, with one in a box.
func (c *chart) hits(d *data.Chart, n int) {
	step := max(1, (n+59)/60)
	for i := 0; i < n; i += step {
		t := time.Unix(int64(d.Start+float64(i)*d.Step), 0).UTC()
		title := t.Format("15:04:05")
		shown := 0
		for _, s := range d.Series {
			if i < len(s.Values) && !math.IsNaN(s.Values[i]) && shown < 6 {
				title += "\n" + strings.TrimSpace(s.Name+" "+human.Of(s.Values[i], d.Unit).String())
				shown++
			}
		}
		if shown == 0 {
			title += "\nno data"
		}
		width := 100 * float64(step) / max(1, float64(n-1))
		c.Hits = append(c.Hits, hit{number(100*float64(i)/max(1, float64(n-1)) - width/2), number(width), title})
	}
}
