package ui

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// table is a data.Table, ready to be written.
type table struct {
	ID, Label, Empty string
	Columns          []column
	Rows             []row
	Filter           bool
	Query            string
	Placeholder      string
	Count            string
	Keep             []pair // of the page's question, when filtering
}

type pair struct{ Name, Value string }

type column struct{ Title, Unit, Href, Class, Sorted string }

type row struct {
	ID, Class string
	Cells     []cell
	Span      int
	Detail    []*block
}

// cell is a data.Cell, ready to be written.
type cell struct {
	Text, Unit, Muted string
	Short             string // what is seen of Text, if it is long, until somebody opens it
	Raw               string // the number, for programs
	Title, Href       string
	Class             string
	Chip              string
	ISO, Exact        string
	Bar               *bar
	Spark             *spark
	Marks             []mark
	MarksSay          string
	MarksWidth        int
}

type bar struct {
	Class string
	Width string
}

type mark struct {
	X, CX int
	Bad   bool
}

func (s scope) table(d *data.Table, id, title string) *table {
	t := &table{ID: id, Label: title, Filter: d.Filter, Query: s.query.Get("q")}
	if t.Label == "" {
		t.Label = "Table"
	}
	for i, c := range d.Columns {
		t.Columns = append(t.Columns, s.column(c, d, i))
	}
	seen := make(map[string]bool)
	for i := range d.Rows {
		t.Rows = append(t.Rows, s.row(d, i, id, seen))
	}
	if len(d.Rows) == 0 {
		t.Empty = d.Empty
		if t.Empty == "" {
			t.Empty = "Nothing here."
		}
	}
	total := max(d.Total, len(d.Rows))
	t.Filter = d.Filter && (len(d.Rows) >= worthFiltering || t.Query != "" || d.Total > 0)
	t.Placeholder = "Filter by any word"
	t.Count = human.Count(float64(total)).String()
	if len(d.Rows) < total {
		t.Count = human.Count(float64(len(d.Rows))).String() + " of " + t.Count
	}
	for _, key := range []string{"worker", "side", "sort", "range", "kind"} {
		if v := s.query.Get(key); v != "" {
			t.Keep = append(t.Keep, pair{key, v})
		}
	}
	return t
}

// worthFiltering is the number of rows that are more than can be seen at once.
const worthFiltering = 8

func (s scope) column(c data.Column, d *data.Table, at int) column {
	out := column{Title: c.Title}
	if out.Title == "" {
		out.Title = c.Name
	}
	out.Class = columnClass(c, d, at)
	by := c.Name
	switch d.Sorted {
	case c.Name:
		out.Sorted, by = "ascending", "-"+c.Name
	case "-" + c.Name:
		out.Sorted = "descending"
	default:
		if strings.HasPrefix(out.Class, "r") {
			by = "-" + c.Name
		}
	}
	out.Href = s.with("sort", by)
	return out
}

// columnClass puts numbers right. A column has numbers if its first value is
// one.
func columnClass(c data.Column, d *data.Table, at int) string {
	var classes []string
	for _, r := range d.Rows {
		if _, number := r.Cells[at].Number(); number {
			if r.Cells[at].Spark == nil && r.Cells[at].Limit == 0 {
				classes = append(classes, "r")
			}
			break
		}
	}
	if c.Wide {
		classes = append(classes, "wide")
	}
	if c.Wrap {
		classes = append(classes, "wrap")
	}
	return strings.Join(classes, " ")
}

func (s scope) row(d *data.Table, i int, id string, seen map[string]bool) row {
	from := d.Rows[i]
	r := row{ID: rowID(d, i, id), Class: rowClass(from), Span: len(d.Columns)}
	for seen[r.ID] {
		r.ID += "x"
	}
	seen[r.ID] = true
	for c, value := range from.Cells {
		column := d.Columns[c]
		unit := column.Unit
		if value.Unit != "" {
			unit = value.Unit
		}
		out := s.cell(value, unit)
		out.Class = cellClass(column, value, unit)
		if value.Spark != nil && column.Unit != "" { // the same kind of value: one scale for all
			out.Spark = newSpark(value.Spark, value.State, highestSpark(d, c))
		}
		if column.Wrap {
			out.Short = human.Cut(out.Text, longText)
		}
		r.Cells = append(r.Cells, out)
	}
	name := from.Cells[0].String()
	opened := s.open != "" && slices.ContainsFunc(from.Cells, func(c data.Cell) bool { return c.String() == s.open })
	if from.Detail != nil && opened {
		r.Class = strings.TrimSpace(r.Class + " open")
		for n := range from.Detail {
			r.Detail = append(r.Detail, s.block(&from.Detail[n], fmt.Sprintf("%s-d%d", r.ID, n)))
		}
	}
	if from.Detail != nil && r.Cells[0].Href == "" {
		r.Cells[0].Href = s.with("open", name)
		if opened {
			r.Cells[0].Href = s.with("open", "")
		}
	}
	return r
}

// highestSpark is the largest value of a column's sparks.
func highestSpark(d *data.Table, at int) float64 {
	top := 0.0
	for _, r := range d.Rows {
		for _, v := range r.Cells[at].Spark {
			if v > top { // not if it is none
				top = v
			}
		}
	}
	return top
}

// longText is how much of a text is seen at once in a table.
const longText = 200

// rowID is the same for the same thing at each look.
func rowID(d *data.Table, i int, id string) string {
	h := fnv.New64a()
	at := slices.IndexFunc(d.Columns, func(c data.Column) bool { return c.Name == d.Key })
	if at < 0 {
		_, _ = fmt.Fprint(h, i) // a hash cannot fail
	} else {
		_, _ = fmt.Fprint(h, d.Rows[i].Cells[at].String())
	}
	return fmt.Sprintf("%s-%x", id, h.Sum64())
}

func rowClass(r data.Row) string {
	switch {
	case r.Stale:
		return "stale"
	case r.State == data.Look:
		return "odd"
	case r.State == data.Wrong:
		return "down"
	case r.State == data.Idle:
		return "gone"
	}
	return ""
}

func cellClass(c data.Column, v data.Cell, unit string) string {
	var classes []string
	if _, number := v.Number(); (number || v.Value == nil) && v.Spark == nil && v.Limit == 0 && unit != data.UnitTime && unit != data.UnitClock {
		classes = append(classes, "r")
	}
	if unit == data.UnitCode {
		classes = append(classes, "mono")
	}
	if c.Wide {
		classes = append(classes, "wide")
	}
	if c.Wrap {
		classes = append(classes, "wrap")
	}
	if _, text := v.Value.(string); !text {
		if class := stateClass(v.State); class != "" {
			classes = append(classes, class)
		}
	}
	return strings.Join(classes, " ")
}

func stateClass(state data.State) string {
	switch state {
	case data.Look:
		return "warn"
	case data.Wrong:
		return "bad"
	}
	return ""
}

func (s scope) cell(d data.Cell, unit string) cell {
	if d.Unit != "" {
		unit = d.Unit
	}
	c := cell{Title: d.Why, Href: s.href(d.Href)}
	switch v := d.Value.(type) {
	case nil:
		c.Text = human.None
	case bool:
		c.Text = "no"
		if v {
			c.Text = "yes"
		}
	case string:
		s.text(&c, d, v, unit)
	default:
		s.number(&c, d, unit)
	}
	if d.Spark != nil {
		c.Spark = newSpark(d.Spark, d.State, 0)
	}
	for i, state := range d.Marks {
		c.Marks = append(c.Marks, mark{X: 10 * i, CX: 10*i + 4, Bad: state == data.Wrong || state == data.Look})
		c.MarksSay += string(state) + " "
	}
	c.MarksWidth = 10 * len(c.Marks)
	return c
}

func (s scope) text(c *cell, d data.Cell, v, unit string) {
	c.Text = v
	if unit == data.UnitTime || unit == data.UnitClock {
		if t, ok := d.Time(); ok && !t.IsZero() {
			m := s.moment(t)
			c.ISO, c.Exact, c.Text = m.ISO, m.Exact, m.Text
			if unit == data.UnitClock {
				c.Text, c.Exact = t.UTC().Format("15:04:05.000"), m.Exact+", "+m.Text
			}
		}
		return
	}
	if d.State != "" {
		c.Chip = string(d.State)
		return
	}
	if name, labels, found := strings.Cut(v, "{"); found && unit == data.UnitCode && d.Href != "" {
		c.Text, c.Muted = name, "{"+labels
	}
}

func (s scope) number(c *cell, d data.Cell, unit string) {
	v, ok := d.Number()
	if !ok {
		c.Text = d.String()
		return
	}
	q := human.Of(v, unit)
	c.Text, c.Unit = q.Text, q.Unit
	if c.Unit != "" && c.Href != "" {
		c.Text, c.Unit = q.String(), ""
	}
	c.Raw = strconv.FormatFloat(v, 'g', -1, 64)
	if c.Title == "" && q.Text != c.Raw {
		c.Title = c.Raw
	}
	if d.Limit > 0 {
		c.Bar = newBar(v, d.Limit)
	}
}

func newBar(v, limit float64) *bar {
	part := min(1, max(0, v/limit))
	b := &bar{Class: "bar-ok", Width: strconv.FormatFloat(part*100, 'f', 1, 64)}
	switch {
	case part >= 0.95:
		b.Class = "bar-bad"
	case part >= 0.75:
		b.Class = "bar-warn"
	}
	return b
}

// order names the rows in their order, for a script to tell whether it is
// still the same.
func (t *table) order() string {
	ids := make([]string, len(t.Rows))
	for i, r := range t.Rows {
		ids[i] = r.ID
	}
	return strings.Join(ids, " ")
}

// Query is part of the address of a page: the questions, written out.
func Query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}
