package data

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Bounds of what From makes of a value, and Encode of a View.
const (
	maxDepth  = 6
	maxRows   = 2000
	maxBlocks = 64
	maxText   = 256 << 10
	maxParts  = 4 * maxBlocks // looked into: where each part has all others there would be no end
)

// From makes a View of what a page has returned: a View, a Block or blocks, a
// Table, a Field or fields, a Chart or charts, a Text, a string, a struct, a
// map, or a slice of any of these, which becomes a table.
//
// The fields of a struct are named as for encoding/json; the tag
// `meta:"unit=seconds,merge=sum,title=Uptime"` says the rest. Unexported ones,
// and those tagged "-", are left out; what holds a secret by its name is masked.
// What lies deeper than 6 levels, which is where a cycle ends, is left out.
func From(title string, v any) View {
	view := View{Version: Version, Title: title, At: time.Now(), Blocks: blocks(v)}
	view.bound()
	return view
}

func blocks(v any) []Block {
	switch v := v.(type) {
	case nil:
		return nil
	case View:
		return v.Blocks
	case *View:
		return blocks(*v)
	case []Block:
		return v
	case Block:
		return []Block{v}
	case Table:
		return []Block{{Table: &v}}
	case *Table:
		return []Block{{Table: v}}
	case []Field:
		return []Block{{Fields: v}}
	case Field:
		return []Block{{Fields: []Field{v}}}
	case Chart:
		return []Block{{Charts: []Chart{v}}}
	case []Chart:
		return []Block{{Charts: v}}
	case Text:
		return []Block{{Text: &v}}
	case string:
		return []Block{{Text: &Text{Body: v}}}
	case fmt.Stringer:
		return []Block{{Text: &Text{Body: v.String()}}}
	}
	left := maxParts
	return reflected(reflect.ValueOf(v), 0, &left)
}

// reflected makes blocks of any other value: fields of what is single, and a
// block of its own for each part that is not, while some are left.
func reflected(v reflect.Value, depth int, left *int) []Block {
	v = indirect(v)
	*left--
	switch {
	case !v.IsValid(), *left < 0:
		return nil
	case depth >= maxDepth:
		return []Block{{Text: &Text{Body: "… there is more, deeper than a page shows"}}}
	}
	switch v.Kind() {
	case reflect.Struct:
		return reflectedMembers(members(v), depth, left)
	case reflect.Map:
		return reflectedMembers(entries(v), depth, left)
	case reflect.Slice, reflect.Array:
		if !isScalar(v.Type()) {
			return []Block{{Table: reflectedTable(v)}}
		}
	}
	return []Block{{Text: &Text{Body: Cell{Value: v.Interface()}.String()}}}
}

func reflectedMembers(all []member, depth int, left *int) []Block {
	var fields []Field
	var rest []Block
	for _, m := range all {
		value := indirect(m.value)
		if !value.IsValid() || isScalar(value.Type()) {
			fields = append(fields, m.field(value))
			continue
		}
		inner := reflected(value, depth+1, left)
		for i := range inner {
			name := m.title
			if inner[i].Title != "" {
				name += ": " + inner[i].Title
			}
			inner[i].Title = name
		}
		rest = append(rest, inner...)
	}
	if fields == nil {
		return rest
	}
	return append([]Block{{Fields: fields}}, rest...)
}

// reflectedTable has a row for each element.
func reflectedTable(v reflect.Value) *Table {
	t := &Table{}
	if n := v.Len(); n > maxRows {
		t.Total = n
	}
	for i := range min(v.Len(), maxRows) {
		element := indirect(v.Index(i))
		var all []member
		if element.IsValid() && element.Kind() == reflect.Struct && !isScalar(element.Type()) {
			all = members(element)
		} else {
			all = []member{{name: "value", title: "Value", value: element}}
		}
		cells := make([]any, len(t.Columns), len(all))
		for _, m := range all {
			value := indirect(m.value)
			at := t.column(m.name)
			if at < 0 {
				at = len(t.Columns)
				f := m.field(reflect.Value{})
				t.Columns = append(t.Columns, Column{Name: f.Name, Title: f.Title, Unit: f.Unit, Merge: f.Merge})
				cells = append(cells, nil)
			}
			cells[at] = m.field(value).Cell
		}
		t.Add(cells...)
	}
	return t
}

// member is a named part of a struct or map.
type member struct {
	name, title string
	unit        string
	merge       Merge
	value       reflect.Value
}

func (m member) field(v reflect.Value) Field {
	f := Field{Name: m.name, Title: m.title, Unit: m.unit, Merge: m.merge}
	switch {
	case !v.IsValid():
	case Secret(m.name):
		f.Cell.Value = masked(v)
	case isScalar(v.Type()):
		f.Cell.Value = plain(v.Interface())
	default:
		f.Cell.Value = fmt.Sprintf("%d parts", length(v))
	}
	if f.Unit == "" && v.IsValid() {
		switch v.Type() {
		case reflect.TypeFor[time.Time]():
			f.Unit = UnitTime
		case reflect.TypeFor[time.Duration]():
			f.Unit = UnitSeconds
		}
	}
	return f
}

func length(v reflect.Value) int {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array:
		return v.Len()
	case reflect.Struct:
		return v.NumField()
	}
	return 1
}

// masked says of a secret only that there is one.
func masked(v reflect.Value) string {
	if v.IsZero() {
		return "not set"
	}
	return "set, masked"
}

// members are the exported fields of a struct, those of embedded ones too.
func members(v reflect.Value) []member {
	var all []member
	for _, f := range reflect.VisibleFields(v.Type()) {
		value, err := v.FieldByIndexErr(f.Index)
		if err != nil || !f.IsExported() || f.Anonymous && indirect(value).Kind() == reflect.Struct {
			continue // a nil embedded pointer, or what is listed by its own fields
		}
		m := member{name: snake(f.Name), title: spaced(f.Name), value: value}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			m.name = name
		}
		if m.tag(f.Tag.Get("meta")) {
			all = append(all, m)
		}
	}
	return all
}

// tag reads a tag, and says whether the field is to be shown.
func (m *member) tag(tag string) bool {
	if tag == "-" {
		return false
	}
	for option := range strings.SplitSeq(tag, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		switch key {
		case "title":
			m.title = value
		case "unit":
			m.unit = value
		case "merge":
			m.merge = Merge(value)
		}
	}
	return true
}

// entries are those of a map, sorted by key.
func entries(v reflect.Value) []member {
	var all []member
	for _, key := range v.MapKeys() {
		name := Cell{Value: key.Interface()}.String()
		all = append(all, member{name: name, title: name, value: v.MapIndex(key)})
	}
	slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return all[:min(len(all), maxRows)]
}

func indirect(v reflect.Value) reflect.Value {
	for range maxDepth {
		if !v.IsValid() || v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			break
		}
		v = v.Elem()
	}
	return v
}

// isScalar says whether values of a type fit into one cell.
func isScalar(t reflect.Type) bool {
	if t.Implements(reflect.TypeFor[fmt.Stringer]()) || t.Implements(reflect.TypeFor[error]()) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Pointer, reflect.Interface:
		return false
	case reflect.Slice, reflect.Array:
		return t.Elem().Kind() == reflect.Uint8
	}
	return true
}

// snake turns OpenFiles into open_files.
func snake(name string) string { return strings.ReplaceAll(strings.ToLower(spaced(name)), " ", "_") }

// spaced turns OpenFiles into Open files, and leaves abbreviations whole.
func spaced(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		starts := i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if starts {
			b.WriteByte(' ')
			if i+1 == len(runes) || !unicode.IsUpper(runes[i+1]) {
				r = unicode.ToLower(r)
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}
