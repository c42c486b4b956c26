package data

import (
	"cmp"
	"strings"
	"time"
	"unicode"
)

// Values are what a View holds, for whoever computes with it: by the names of
// its blocks, tables as lists of rows, rows and fields as maps. Nothing but
// maps, slices, strings, float64s, bools and nils is in them, and nothing that
// View may change.
func (v *View) Values() map[string]any {
	all := make(map[string]any)
	for i := range v.Blocks {
		b := &v.Blocks[i]
		value := b.value()
		if value == nil {
			continue
		}
		name := identifier(cmp.Or(b.Name, b.Title, strings.TrimSpace(b.kind()), "value"))
		for all[name] != nil {
			name += "_"
		}
		all[name] = value
	}
	return all
}

func (b *Block) value() any {
	switch {
	case b.Table != nil:
		return b.Table.values()
	case b.Fields != nil:
		return fieldValues(b.Fields)
	case b.Figures != nil:
		return fieldValues(b.Figures)
	case b.Text != nil:
		return b.Text.Body
	case b.Events != nil:
		return eventValues(b.Events)
	case b.Verdict != nil:
		return map[string]any{"state": string(b.Verdict.State), "word": b.Verdict.Word, "sentence": b.Verdict.Sentence.String()}
	}
	return nil
}

func (t *Table) values() []any {
	rows := make([]any, 0, len(t.Rows))
	for _, r := range t.Rows {
		row := make(map[string]any, len(t.Columns))
		for i, c := range r.Cells[:min(len(r.Cells), len(t.Columns))] {
			row[t.Columns[i].Name] = plain(c.Value)
		}
		rows = append(rows, row)
	}
	return rows
}

func fieldValues(fields []Field) map[string]any {
	all := make(map[string]any, len(fields))
	for _, f := range fields {
		all[f.Name] = plain(f.Cell.Value)
	}
	return all
}

func eventValues(events []Event) []any {
	var all []any
	for _, e := range events {
		at := any(nil)
		if !e.At.IsZero() {
			at = e.At.UTC().Format(time.RFC3339Nano)
		}
		all = append(all, map[string]any{"at": at, "state": string(e.State), "text": e.Text.String(), "reason": e.Reason.String()})
	}
	return all
}

// identifier makes a name of a title.
func identifier(title string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '_'
	}, title), "_")
}
