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
	Points                       *table // if asked for
	Axis                         string // the same for charts of the same time

	from, length float64 // of the axis, in seconds
	start, step  float64 // of the points
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

// shortest is the shortest time that an axis shows, in seconds, unless the
// points say otherwise.
const shortest = 60

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
	c.time(d, n)
	tops := stacked(d.Series, n)
	s := chartScale(d, tops)
	c.axes(s, d)
	for i, series := range d.Series {
		c.series(series, tops[i], below(d.Series, tops, i), s)
	}
	c.gaps(d, n)
	c.hits(d, n)
	return c
}

// time sets what the axis shows.
func (c *chart) time(d *data.Chart, n int) {
	c.start, c.step = d.Start, max(d.Step, 1e-3)
	c.from, c.length = d.Start, float64(max(1, n-1))*c.step
	if d.To > d.From {
		c.from, c.length = d.From, d.To-d.From
	} else if d.To > 0 && d.To == d.From {
		c.from, c.length = d.To-shortest, shortest
	}
	c.Axis = number(c.from) + " " + number(c.length)
}

// x is where the point i lies, from 0 at the left to 1 at the right.
func (c *chart) x(i int) float64 {
	return (c.start + float64(i)*c.step - c.from) / c.length
}

// shown says whether the point i lies on the axis.
func (c *chart) shown(i int) bool { return c.x(i) > -1e-6 && c.x(i) < 1+1e-6 }

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
			tops[i][j] = math.NaN()
			if !math.IsNaN(v) {
				sum[j] += v
				tops[i][j] = sum[j]
			}
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
	low, high := math.Inf(1), d.Least
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

func (c *chart) axes(s scale, d *data.Chart) {
	for i, v := range s.ticks {
		y := chartTop + chartHeight*(1-s.at(v))
		c.Ticks = append(c.Ticks, yTick{number(y), number(y + 4), tickLabel(v, d.Unit), i == 0})
	}
	c.XTicks = timeTicks(c.from, c.length)
	if d.Limit > 0 && s.at(d.Limit) <= 1 {
		c.LimitY = number(chartTop + chartHeight*(1-s.at(d.Limit)))
	}
	for _, m := range d.Marks {
		x := (m.At - c.from) / c.length
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
func (c *chart) series(s data.Series, tops, floor []float64, y scale) {
	at := func(v float64) float64 { return 100 * (1 - y.at(v)) }
	there := func(i int) bool { return i < len(tops) && !math.IsNaN(tops[i]) && c.shown(i) }
	base := func(i int) float64 {
		if i < len(floor) && !math.IsNaN(floor[i]) {
			return at(floor[i])
		}
		return 100
	}
	var line, area strings.Builder
	for i := 0; i < len(tops); i++ {
		if !there(i) {
			continue
		}
		end := i
		for there(end + 1) {
			end++
		}
		if i == end {
			c.alone(&line, &area, i, at(tops[i]), base(i))
			continue
		}
		for j := i; j <= end; j++ {
			point := fmt.Sprintf("%s%s %s", pen(j > i), number(1000*c.x(j)), number(at(tops[j])))
			line.WriteString(point)
			area.WriteString(point)
		}
		for j := end; j >= i; j-- {
			fmt.Fprintf(&area, "L%s %s", number(1000*c.x(j)), number(base(j)))
		}
		area.WriteString("Z")
		i = end
	}
	c.paint(s, line.String(), area.String())
	if last := len(tops) - 1; there(last) && s.Shape != data.Thin && s.Shape != data.Stacked {
		c.Paths = append(c.Paths, drawn{fmt.Sprintf("pt s%d", s.Color), fmt.Sprintf("M%s %sh0", number(1000*c.x(last)), number(at(tops[last])))})
	}
}

// pen is how a path begins, or goes on.
func pen(down bool) string {
	if down {
		return "L"
	}
	return "M"
}

// alone draws a point that has no neighbours: as wide as the time that it is of.
func (c *chart) alone(line, area *strings.Builder, i int, top, base float64) {
	half := 500 * c.step / c.length
	from, to := max(0, 1000*c.x(i)-half), min(1000, 1000*c.x(i)+half)
	fmt.Fprintf(line, "M%s %sH%s", number(from), number(top), number(to))
	fmt.Fprintf(area, "M%s %sH%sV%sH%sZ", number(from), number(top), number(to), number(base), number(from))
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
	for i := 0; i < n; i++ {
		if !silent(d.Series, i) {
			continue
		}
		end := i
		for end+1 < n && silent(d.Series, end+1) {
			end++
		}
		from, to := max(0, c.x(max(0, i-1))), min(1, c.x(min(n-1, end+1)))
		if to > from {
			c.Gaps = append(c.Gaps, gap{number(100 * from), number(100 * (to - from)), "no data: nothing happened, or nobody answered"})
		}
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
	every := max(1, (n+59)/60)
	width := c.step * float64(every) / c.length
	for i := (n - 1) % every; i < n; i += every { // so that the newest point is one
		if c.shown(i) {
			c.Hits = append(c.Hits, hit{number(100 * (c.x(i) - width/2)), number(100 * width), c.reading(d, i)})
		}
	}
}

// reading is the time of a point and its values, a line each.
func (c *chart) reading(d *data.Chart, i int) string {
	t := time.Unix(int64(c.start+float64(i)*c.step), 0).UTC()
	title := t.Format("15:04:05") + "\tUTC"
	shown := 0
	for _, s := range d.Series {
		if i < len(s.Values) && !math.IsNaN(s.Values[i]) && shown < 6 {
			title += "\n" + s.Name + "\t" + human.Of(s.Values[i], d.Unit).String()
			shown++
		}
	}
	if shown == 0 {
		title += "\nno data\t"
	}
	return title
}
