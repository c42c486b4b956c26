package data

import (
	"cmp"
	"slices"
	"strings"
)

// ProcessColumn is the name of the column that says which process a row is
// from.
const ProcessColumn = "process"

func mergeTables(parts []part) *Table {
	merged := *parts[0].block.Table
	merged.Rows, merged.Total = nil, 0
	left := 0 // out, by those who have more than they sent
	for _, p := range parts {
		if t := p.block.Table; t != nil {
			left += max(0, t.Total-len(t.Rows))
		}
	}
	if key := merged.column(merged.Key); key >= 0 {
		mergeByKey(&merged, parts, key)
	} else {
		appendRows(&merged, parts)
	}
	if left > 0 {
		merged.Total = len(merged.Rows) + left
	}
	merged.sort()
	return &merged
}

// appendRows puts the rows of all one after the other.
func appendRows(merged *Table, parts []part) {
	merged.Columns = append([]Column{{Name: ProcessColumn, Title: "Worker"}}, merged.Columns...)
	for _, p := range parts {
		if p.block.Table == nil {
			continue
		}
		for _, r := range p.block.Table.Rows {
			r.Cells = append([]Cell{{Value: p.from, Href: "?worker=" + p.from}}, r.Cells...)
			merged.Rows = append(merged.Rows, r)
		}
	}
}

// mergeByKey makes one row of those that have the same key, in the state of the
// worst.
func mergeByKey(merged *Table, parts []part, key int) {
	cells := make(map[string][][]from) // by key and column
	states := make(map[string]State)
	for _, p := range parts {
		if p.block.Table == nil {
			continue
		}
		for _, r := range p.block.Table.Rows {
			if key >= len(r.Cells) {
				continue
			}
			name := r.Cells[key].String()
			states[name] = Worse(states[name], r.State)
			columns, ok := cells[name]
			if !ok {
				columns = make([][]from, len(merged.Columns))
				merged.Rows = append(merged.Rows, r)
			}
			for i, c := range r.Cells[:min(len(r.Cells), len(columns))] {
				columns[i] = append(columns[i], from{p.from, c})
			}
			cells[name] = columns
		}
	}
	for i, r := range merged.Rows {
		row := make([]Cell, len(merged.Columns))
		for c, values := range cells[r.Cells[key].String()] {
			switch {
			case len(values) == 0:
			case c == key:
				row[c] = values[0].cell
			default:
				row[c] = mergeCells(merged.Columns[c].Merge, values)
			}
		}
		merged.Rows[i].Cells, merged.Rows[i].State = row, states[r.Cells[key].String()]
	}
}

// Sort orders the rows by a column, with a minus in front the largest first.
// Rows without a value come last. An unknown column changes nothing.
func (t *Table) Sort(by string) {
	name := strings.TrimPrefix(by, "-")
	at := t.column(name)
	if at < 0 {
		return
	}
	t.Sorted = by
	slices.SortStableFunc(t.Rows, func(a, b Row) int {
		x, y := a.Cells[at], b.Cells[at]
		if none := cmp.Compare(boolToInt(x.Value == nil), boolToInt(y.Value == nil)); none != 0 {
			return none
		}
		if by != name {
			x, y = y, x
		}
		m, isNumber := x.Number()
		n, both := y.Number()
		if isNumber && both {
			return cmp.Compare(m, n)
		}
		return strings.Compare(x.String(), y.String())
	})
}

func (t *Table) sort() { t.Sort(t.Sorted) }

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Matching keeps the rows in which every word of the query occurs in some
// cell, in whatever case.
func (t *Table) Matching(query string) {
	words := strings.Fields(strings.ToLower(query))
	t.Rows = slices.DeleteFunc(slices.Clone(t.Rows), func(r Row) bool {
		var all strings.Builder
		for _, c := range r.Cells {
			all.WriteString(strings.ToLower(c.String()))
			all.WriteByte(' ')
		}
		return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(all.String(), w) })
	})
}

// mergeCharts adds up series with the same name if they are areas, and else
// shows each by itself, with the name of its process.
func mergeCharts(parts []part) []Chart {
	merged := slices.Clone(parts[0].block.Charts)
	for i := range merged {
		c := &merged[i]
		c.Series = nil
		for _, p := range parts {
			if i < len(p.block.Charts) {
				c.add(p.block.Charts[i], p.from)
			}
		}
	}
	return merged
}

func (c *Chart) add(other Chart, from string) {
	for _, s := range other.Series {
		sums := s.Shape == Area || s.Shape == Stacked
		at := slices.IndexFunc(c.Series, func(o Series) bool { return o.Name == s.Name })
		if !sums {
			s.Name = strings.TrimSpace(from + " " + s.Name)
			c.Series = append(c.Series, s)
			continue
		}
		if at < 0 {
			s.Values = slices.Clone(s.Values)
			c.Series = append(c.Series, s)
			continue
		}
		sum := c.Series[at].Values
		shift := int((other.Start - c.Start) / max(c.Step, 1))
		for i, v := range s.Values {
			if j := i + shift; j >= 0 && j < len(sum) {
				sum[j] += v
			}
		}
	}
}
