package objects

import (
	"fmt"
	"slices"
	"strings"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// maxLine bounds the text that stands for a value with parts.
const maxLine = 160

// line is a value in one line.
func (n *node) line() string {
	if n.note != "" && n.value == nil {
		return n.note
	}
	if n.value != nil {
		text := fmt.Sprint(n.value)
		if n.quoted {
			return fmt.Sprintf("%q", clip(text, maxLine))
		}
		return text
	}
	if !n.found {
		return n.size()
	}
	var b strings.Builder
	open, closing := "{", "}"
	if n.list {
		open, closing = "[", "]"
	}
	b.WriteString(open)
	for i := range n.parts {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > maxLine {
			break
		}
		p := n.parts[i]
		if !n.list {
			b.WriteString(p.name + ": ")
		}
		if p.value == nil && p.note == "" {
			b.WriteString(p.size())
		} else {
			b.WriteString(p.line())
		}
	}
	if b.Len() > maxLine || n.more > 0 {
		b.WriteString("…")
	}
	return b.String() + closing
}

func (n *node) size() string {
	if n.length == 1 {
		return "1 part"
	}
	return fmt.Sprintf("%d parts", n.length)
}

// opens says whether there is more to see below.
func (n *node) opens() bool { return n.note == "" && n.value == nil && n.length > 0 }

// view shows the value at a path, and links to its parts and to those that hold
// it.
func (n *node) view(root string, steps []string) meta.View {
	fields := []meta.Field{
		{Name: "type", Title: "Type", Unit: data.UnitCode, Cell: meta.Cell{Value: n.kind}},
	}
	if n.value != nil || n.note != "" {
		fields = append(fields, meta.Field{Name: "value", Title: "Value", Unit: data.UnitCode, Cell: meta.Cell{Value: n.shown()}})
	} else {
		fields = append(fields, meta.Field{Name: "length", Title: "Parts", Merge: data.None, Cell: meta.Cell{Value: n.length}})
	}
	blocks := []meta.Block{{Name: "path", Title: "Where", Note: trail(root, steps), Fields: fields}}
	if n.found {
		blocks = append(blocks, n.members(root, steps))
	}
	return meta.View{Blocks: blocks}
}

func (n *node) shown() string {
	if s, ok := n.value.(string); ok && n.note == "" {
		return s
	}
	return n.line()
}

func (n *node) members(root string, steps []string) meta.Block {
	t := &meta.Table{Key: "member", Filter: true, Empty: "It has no parts.", Columns: []meta.Column{
		{Name: "member", Title: "Member", Unit: data.UnitCode}, {Name: "type", Title: "Type", Unit: data.UnitCode, Wide: true}, {Name: "value", Title: "Value", Unit: data.UnitCode, Wrap: true},
	}}
	for i := range n.parts {
		p := n.parts[i]
		member := meta.Cell{Value: p.name}
		if p.opens() && len(steps) < maxSteps {
			member.Href = href(root, append(slices.Clone(steps), p.name))
		}
		t.Add(member, p.kind, p.line())
	}
	if n.more > 0 {
		t.Total = n.length
	}
	return meta.Block{Name: "members", Title: human.Count(float64(n.length)).String() + " parts", Table: t}
}

// trail links to all that hold what is shown.
func trail(root string, steps []string) data.Rich {
	rich := data.Rich{{Text: root, Href: href(root, nil), Code: true}}
	for i, step := range steps {
		rich = append(rich, data.Span{Text: " / "}, data.Span{Text: clip(step, 40), Href: href(root, steps[:i+1]), Code: true})
	}
	return rich
}

// plain is the value as maps, slices, strings, float64s, bools and nils. What was
// left out is nil.
func (n *node) plain() any {
	switch {
	case n.value != nil:
		return n.value
	case !n.found:
		return nil
	case n.list:
		all := make([]any, 0, len(n.parts))
		for i := range n.parts {
			all = append(all, n.parts[i].plain())
		}
		return all
	}
	all := make(map[string]any, len(n.parts))
	for i := range n.parts {
		all[n.parts[i].name] = n.parts[i].plain()
	}
	return all
}
