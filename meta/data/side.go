package data

import "math"

// SideBySide shows the answers of several processes next to each other: fields
// and figures as a table with a column for each process, and tables that have a
// Key by their first number. What stands out is marked (see Odd). All else is
// shown one below the other.
func SideBySide(answers []Answer) View {
	all := MergeAll(answers)
	all.Blocks = nil
	for _, like := range together(answers) {
		all.Blocks = append(all.Blocks, beside(like, answers)...)
	}
	all.bound()
	return all
}

func beside(parts []part, answers []Answer) []Block {
	b := parts[0].block
	switch {
	case b.Figures != nil:
		b.Table = fieldsBeside(parts, answers, func(b Block) []Field { return b.Figures })
	case b.Fields != nil:
		t := fieldsBeside(parts, answers, func(b Block) []Field { return b.Fields })
		same := t.takeSame(b.Fields)
		if len(t.Rows) == 0 {
			b.Fields = same
			return []Block{b}
		}
		b.Table = t
		if len(same) > 0 {
			b.Figures, b.Fields, b.Half = nil, nil, false
			return []Block{b, {Title: b.Title + ", the same in all", Fields: same}}
		}
	case b.Table != nil && b.Table.firstNumber() >= 0:
		b.Table = tableBeside(parts, answers)
	case b.Table != nil && b.Table.column(b.Table.Key) >= 0: // without numbers: one row for each thing
		return mergeBlocks(parts)
	case b.Verdict != nil || b.Form != nil || b.Notice != nil:
		return []Block{b}
	default:
		return apart(parts)
	}
	b.Figures, b.Fields, b.Half = nil, nil, false // a column for each takes the width
	return []Block{b}
}

// takeSame takes out the rows whose cells are text that is the same in all
// processes, and returns their fields.
func (t *Table) takeSame(fields []Field) []Field {
	var same []Field
	var rows []Row
	for i, r := range t.Rows {
		text, ok := plain(r.Cells[1].Value).(string)
		for _, c := range r.Cells[2:] {
			ok = ok && c.String() == text
		}
		if ok {
			same = append(same, fields[i])
			continue
		}
		rows = append(rows, r)
	}
	t.Rows = rows
	return same
}

// firstNumber is the first column of a keyed table that is added up.
func (t *Table) firstNumber() int {
	if t.column(t.Key) < 0 {
		return -1
	}
	for i, c := range t.Columns {
		if c.Merge == Sum || c.Merge == Max {
			return i
		}
	}
	return -1
}

func columnsBeside(first Column, answers []Answer, unit string) []Column {
	columns := []Column{first}
	for _, a := range answers {
		columns = append(columns, Column{Name: a.From, Title: a.From, Unit: unit})
	}
	return columns
}

func fieldsBeside(parts []part, answers []Answer, of func(Block) []Field) *Table {
	t := &Table{Columns: columnsBeside(Column{Name: "field", Title: "What"}, answers, "")}
	for _, f := range of(parts[0].block) {
		title := f.Title
		if title == "" {
			title = f.Name
		}
		cells := []any{Cell{Value: title}}
		for _, a := range answers {
			cells = append(cells, cellOf(parts, a.From, f.Name, of))
		}
		t.Add(cells...).unit(f.Unit)
	}
	t.markOdd()
	return t
}

func cellOf(parts []part, process, field string, of func(Block) []Field) Cell {
	for _, p := range parts {
		for _, f := range of(p.block) {
			if p.from == process && f.Name == field {
				return f.Cell
			}
		}
	}
	return Cell{}
}

// unit keeps in each cell what its column cannot say.
func (r *Row) unit(unit string) {
	for i := range r.Cells[1:] {
		r.Cells[i+1].Unit = unit
	}
}

func tableBeside(parts []part, answers []Answer) *Table {
	first := parts[0].block.Table
	key, number := first.column(first.Key), first.firstNumber()
	t := &Table{
		Columns: columnsBeside(first.Columns[key], answers, first.Columns[number].Unit),
		Key:     first.Key, Filter: first.Filter, Empty: first.Empty,
	}
	rows := make(map[string]int)
	for _, p := range parts {
		if p.block.Table == nil {
			continue
		}
		for _, r := range p.block.Table.Rows {
			name := r.Cells[key].String()
			at, ok := rows[name]
			if !ok {
				at = len(t.Rows)
				rows[name] = at
				row := make([]Cell, len(t.Columns))
				row[0] = r.Cells[key]
				t.Rows = append(t.Rows, Row{Cells: row})
			}
			for i, a := range answers {
				if a.From == p.from {
					t.Rows[at].Cells[i+1] = r.Cells[number]
				}
			}
		}
	}
	t.markOdd()
	return t
}

// markOdd marks in each row the one cell that stands out.
func (t *Table) markOdd() {
	for _, r := range t.Rows {
		values := make([]float64, 0, len(r.Cells))
		for _, c := range r.Cells[1:] {
			v, ok := c.Number()
			if !ok {
				v = math.NaN()
			}
			values = append(values, v)
		}
		if odd := Odd(values); odd >= 0 {
			r.Cells[odd+1].State = Look
			r.Cells[odd+1].Why = "the odd one: more than three deviations from the median"
		}
	}
}
