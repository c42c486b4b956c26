package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBytes bounds an encoded View.
const MaxBytes = 4 << 20

// ErrFormat says that bytes are no View that this package can read.
var ErrFormat = errors.New("data: not a view")

// Encode returns the wire form of v. What is too much is left out, and said so.
func Encode(v View) ([]byte, error) {
	v.Version = Version
	v.bound()
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode the page %q: %w", v.Title, err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("encode the page %q: it has %d bytes, more than the %d that a page may have", v.Title, len(b), MaxBytes)
	}
	return b, nil
}

// Decode reads the wire form. What another process has sent is bounded as
// Encode bounds it.
func Decode(r io.Reader) (View, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return View{}, err
	}
	if len(b) > MaxBytes {
		return View{}, fmt.Errorf("%w: more than %d bytes", ErrFormat, MaxBytes)
	}
	var v View
	if err := json.Unmarshal(b, &v); err != nil {
		return View{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if v.Version != Version {
		return View{}, fmt.Errorf("%w: version %d, want %d: the processes are of different builds", ErrFormat, v.Version, Version)
	}
	v.bound()
	return v, nil
}

// bound cuts off what is too much, and makes values the few kinds that travel.
func (v *View) bound() { v.Blocks = bounded(v.Blocks, 0) }

// maxDetails is how deep what is shown below a row may lie: a table that is
// below itself ends there.
const maxDetails = 3

func bounded(blocks []Block, depth int) []Block {
	if len(blocks) > maxBlocks {
		blocks = append(blocks[:maxBlocks-1:maxBlocks-1], Block{Notice: &Notice{
			Text: Words(fmt.Sprintf("%d more parts are not shown: a page has at most %d.", len(blocks)-maxBlocks+1, maxBlocks)),
		}})
	}
	for i := range blocks {
		b := &blocks[i]
		if t := b.Table; t != nil {
			t.bound(depth)
		}
		if len(b.Fields) > maxRows {
			b.Fields = b.Fields[:maxRows]
		}
		for _, fields := range [][]Field{b.Fields, b.Figures} {
			for n := range fields {
				fields[n].Cell.Value = plain(fields[n].Cell.Value)
			}
		}
		if b.Text != nil && len(b.Text.Body) > maxText {
			b.Text = &Text{Body: b.Text.Body[:maxText] + "\n… cut here"}
		}
	}
	return blocks
}

// bound makes all rows as long as the columns say, and not too many.
func (t *Table) bound(depth int) {
	if n := len(t.Rows); n > maxRows {
		t.Rows, t.Total = t.Rows[:maxRows], max(t.Total, n)
	}
	for i := range t.Rows {
		if depth >= maxDetails {
			t.Rows[i].Detail = nil
		}
		t.Rows[i].Detail = bounded(t.Rows[i].Detail, depth+1)
		cells := t.Rows[i].Cells
		for n := range cells {
			cells[n].Value = plain(cells[n].Value)
		}
		if len(cells) > len(t.Columns) {
			t.Rows[i].Cells = cells[:len(t.Columns)]
		}
		for len(t.Rows[i].Cells) < len(t.Columns) {
			t.Rows[i].Cells = append(t.Rows[i].Cells, Cell{})
		}
	}
}
