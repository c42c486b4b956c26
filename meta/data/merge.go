package data

import (
	"cmp"
	"slices"
	"strings"
)

// Answer is what one process has said.
type Answer struct {
	From string // the name of the process
	View View
}

// MergeAll makes one View of what several processes have answered, as the
// Merge of each value says. Tables without a Key get a column that says which
// process a row is from. Blocks belong together if their names are the same.
func MergeAll(answers []Answer) View {
	if len(answers) == 0 {
		return View{Version: Version}
	}
	all := View{Version: Version, Title: answers[0].View.Title}
	for _, a := range answers {
		if a.View.At.After(all.At) {
			all.At = a.View.At
		}
	}
	for _, like := range together(answers) {
		all.Blocks = append(all.Blocks, mergeBlocks(like)...)
	}
	all.bound()
	return all
}

// part is one process's version of a block.
type part struct {
	from  string
	block Block
}

// together groups the blocks of all answers, in the order in which they come.
func together(answers []Answer) [][]part {
	var groups [][]part
	index := make(map[string]int)
	for _, a := range answers {
		seen := make(map[string]int)
		for _, b := range a.View.Blocks {
			name := cmp.Or(b.Name, b.Title) + b.kind()
			seen[name]++
			name += strings.Repeat("'", seen[name]-1)
			at, ok := index[name]
			if !ok {
				at = len(groups)
				index[name] = at
				groups = append(groups, nil)
			}
			groups[at] = append(groups[at], part{a.From, b})
		}
	}
	return groups
}

func (b *Block) kind() string {
	switch {
	case b.Table != nil:
		return " table"
	case b.Figures != nil:
		return " figures"
	case b.Fields != nil:
		return " fields"
	case b.Charts != nil:
		return " charts"
	case b.Text != nil:
		return " text"
	case b.Dots != nil:
		return " dots"
	}
	return ""
}

func mergeBlocks(parts []part) []Block {
	if len(parts) == 1 {
		return []Block{parts[0].block}
	}
	merged := parts[0].block
	switch {
	case merged.Table != nil:
		merged.Table = mergeTables(parts)
	case merged.Figures != nil:
		merged.Figures = mergeFields(parts, func(b Block) []Field { return b.Figures })
	case merged.Fields != nil:
		merged.Fields = mergeFields(parts, func(b Block) []Field { return b.Fields })
	case merged.Charts != nil:
		merged.Charts = mergeCharts(parts)
	case merged.Dots != nil:
		merged.Dots = mergeDots(parts)
	case merged.Text != nil && sameText(parts), merged.Form != nil, merged.Notice != nil:
	default:
		return apart(parts)
	}
	return []Block{merged}
}

func sameText(parts []part) bool {
	for _, p := range parts {
		if p.block.Text == nil || p.block.Text.Body != parts[0].block.Text.Body {
			return false
		}
	}
	return true
}

// apart shows each process's block, with its name.
func apart(parts []part) []Block {
	var all []Block
	for _, p := range parts {
		p.block.Title = strings.TrimPrefix(p.block.Title+" · "+p.from, " · ")
		all = append(all, p.block)
	}
	return all
}

// mergeFields goes through the fields of all parts by name.
func mergeFields(parts []part, of func(Block) []Field) []Field {
	var merged []Field
	index := make(map[string]int)
	values := make(map[string][]from)
	for _, p := range parts {
		for _, f := range of(p.block) {
			if _, ok := index[f.Name]; !ok {
				index[f.Name] = len(merged)
				merged = append(merged, f)
			}
			values[f.Name] = append(values[f.Name], from{p.from, f.Cell})
		}
	}
	for i := range merged {
		merged[i].Cell = mergeCells(merged[i].Merge, values[merged[i].Name])
	}
	return merged
}

// from is a value and the process that it is from.
type from struct {
	name string
	cell Cell
}

// mergeCells makes one cell of several, in the state of the worst.
func mergeCells(how Merge, values []from) Cell {
	worst, marks := values[0].cell, slices.Clone(values[0].cell.Marks)
	for _, v := range values[1:] {
		if Worse(worst.State, v.cell.State) != worst.State {
			worst = v.cell
		}
		marks = append(marks, v.cell.Marks...)
	}
	if how == Worst {
		worst.Marks = marks
		return worst
	}
	merged := values[0].cell
	merged.State, merged.Why, merged.Marks = worst.State, worst.Why, marks
	merged.Spark = mergeSparks(how, values)
	if how == Sum || how == Max || how == Min {
		merged.Value, merged.Limit = mergeNumbers(how, values)
		return merged
	}
	var different []string
	same := make(map[string][]string)
	for _, v := range values {
		text := v.cell.String()
		if same[text] == nil {
			different = append(different, text)
		}
		same[text] = append(same[text], v.name)
	}
	if len(different) == 1 {
		return merged
	}
	if how == List {
		different = slices.DeleteFunc(different, func(text string) bool { return text == "" })
	}
	for i, text := range different {
		if how != List {
			different[i] = text + " (" + strings.Join(same[text], ", ") + ")"
		}
	}
	merged.Value, merged.Limit = strings.Join(different, ", "), 0
	return merged
}

func mergeNumbers(how Merge, values []from) (value any, limit float64) {
	var result float64
	n := 0
	for _, v := range values {
		x, ok := v.cell.Number()
		if !ok {
			continue
		}
		switch {
		case n == 0:
			result, limit = x, v.cell.Limit
		case how == Sum:
			result += x
			limit += v.cell.Limit
		case how == Max && x > result, how == Min && x < result:
			result, limit = x, v.cell.Limit
		}
		n++
	}
	if n == 0 {
		return values[0].cell.Value, values[0].cell.Limit
	}
	return result, limit
}

// mergeSparks adds up what is added up, and shows no other.
func mergeSparks(how Merge, values []from) Numbers {
	if how != Sum || len(values[0].cell.Spark) == 0 {
		return nil
	}
	sum := make(Numbers, len(values[0].cell.Spark))
	for _, v := range values {
		for i, x := range v.cell.Spark {
			if i < len(sum) {
				sum[i] += x
			}
		}
	}
	return sum
}
