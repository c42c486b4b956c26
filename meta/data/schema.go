package data

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Schema describes in JSON Schema (draft 2020-12) the wire form of views such as
// v: of all that any View may be, and for the blocks of v by their names which
// fields and columns they have, of what type, in what unit, and how values of
// several processes merge.
func Schema(v View) map[string]any {
	r := reflection{defs: make(map[string]any)}
	all := r.of(reflect.TypeFor[View]())
	var blocks []any
	for i := range v.Blocks {
		if then := v.Blocks[i].schema(); then != nil {
			blocks = append(blocks, map[string]any{"if": named(v.Blocks[i].Name, "name"), "then": map[string]any{"properties": then}})
		}
	}
	schema := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": v.Title,
		"$ref": all["$ref"], "$defs": r.defs,
	}
	if blocks != nil {
		schema["properties"] = map[string]any{"blocks": map[string]any{"items": map[string]any{"allOf": blocks}}}
	}
	return schema
}

// InputSchema describes in JSON Schema the fields of a form that asks for
// inputs.
func InputSchema(title string, inputs []Input) map[string]any {
	properties := make(map[string]any)
	var required []string
	for _, in := range inputs {
		properties[in.Name] = in.schema()
		if in.Required {
			required = append(required, in.Name)
		}
	}
	schema := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title,
		"type": "object", "properties": properties, "additionalProperties": false,
	}
	if required != nil {
		schema["required"] = required
	}
	return schema
}

// schema is that of the text of an input.
func (in *Input) schema() map[string]any {
	s := map[string]any{"type": "string", "maxLength": maxInput, "description": cmp.Or(in.Title, in.Name)}
	switch in.Kind {
	case WholeNumber:
		s["pattern"] = `^[+-]?[0-9]+$`
	case Decimal:
		s["format"] = "number"
	case Interval:
		s["format"] = "go-duration"
	case YesNo:
		s["enum"] = []string{"yes", "no"}
	}
	if len(in.Choices) > 0 {
		s["enum"] = in.Choices
	}
	if in.Value != "" {
		s["default"] = in.Value
	}
	if in.Most > in.Least {
		s["description"] = fmt.Sprintf("%s; %s", s["description"], strings.TrimPrefix(in.wanted(), "want "))
	}
	return s
}

// named is what holds only if a field has a value.
func named(value, field string) map[string]any {
	return map[string]any{"properties": map[string]any{field: map[string]any{"const": value}}, "required": []string{field}}
}

// schema says what is particular to this block; nil if it has no name by which
// to know it.
func (b *Block) schema() map[string]any {
	if b.Name == "" {
		return nil
	}
	then := make(map[string]any)
	if b.Table != nil {
		then["table"] = b.Table.schema()
	}
	for field, fields := range map[string][]Field{"fields": b.Fields, "figures": b.Figures} {
		var each []any
		for _, f := range fields {
			each = append(each, map[string]any{"if": named(f.Name, "name"), "then": map[string]any{"properties": map[string]any{"value": cellSchema(f.Title, f.Unit, f.Merge, f.Cell)}}})
		}
		if each != nil {
			then[field] = map[string]any{"items": map[string]any{"allOf": each}}
		}
	}
	if len(then) == 0 {
		return nil
	}
	return then
}

// schema says what stands in each column. Where all processes are asked, a table
// without a Key has one column more in front, for the process.
func (t *Table) schema() map[string]any {
	var cells []any
	for i, c := range t.Columns {
		s := cellSchema(cmp.Or(c.Title, c.Name), c.Unit, c.Merge, t.text(i))
		s["title"] = c.Name
		cells = append(cells, s)
	}
	return map[string]any{"properties": map[string]any{"rows": map[string]any{"items": map[string]any{"properties": map[string]any{
		"cells": map[string]any{"prefixItems": cells},
	}}}}}
}

// text is a cell of a column that has text, if there is one.
func (t *Table) text(column int) Cell {
	for _, r := range t.Rows {
		if column < len(r.Cells) && r.Cells[column].isText() {
			return r.Cells[column]
		}
	}
	return Cell{}
}

func (c Cell) isText() bool {
	_, ok := plain(c.Value).(string)
	return ok
}

// cellSchema is that of one value, for instance c. Where processes differ, a
// value that does not merge is text that says whose each one is.
func cellSchema(title, unit string, merge Merge, c Cell) map[string]any {
	says := title
	if unit != "" {
		says += ", in " + unit
	}
	if merge != "" && merge != None {
		says += "; over processes: " + string(merge)
	}
	types := []string{"string", "number", "boolean", "null"}
	switch {
	case (merge == Sum || merge == Max || merge == Min) && !c.isText():
		types = []string{"number", "null"}
	case unit == UnitTime, unit == UnitCode:
		types = []string{"string", "number", "null"}
	case unit != "":
		types = []string{"number", "string", "null"}
	}
	value := map[string]any{"type": types}
	return map[string]any{"description": says, "anyOf": []any{
		value, map[string]any{"type": "object", "properties": map[string]any{"v": value}, "required": []string{"v"}},
	}}
}

// reflection makes schemas of Go types, as encoding/json writes their values.
type reflection struct {
	defs map[string]any // by the names of types
}

func (r reflection) of(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[Numbers]():
		return map[string]any{"type": "array", "items": map[string]any{"type": []string{"number", "null"}}}
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[any]():
		return map[string]any{}
	case reflect.TypeFor[Cell]():
		r.define("Cell", func() map[string]any {
			object := r.object(t)
			object["required"] = []string{"v"}
			return map[string]any{"description": "a value, or an object where there is more to say about it", "anyOf": []any{
				map[string]any{"type": []string{"string", "number", "boolean", "null"}}, object,
			}}
		})
		return map[string]any{"$ref": "#/$defs/Cell"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return r.of(t.Elem())
	case reflect.Struct:
		r.define(t.Name(), func() map[string]any { return r.object(t) })
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": r.of(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	}
	return map[string]any{"type": "number"}
}

func (r reflection) define(name string, schema func() map[string]any) {
	if r.defs[name] == nil {
		r.defs[name] = true // for types that hold themselves
		r.defs[name] = schema()
	}
}

func (r reflection) object(t reflect.Type) map[string]any {
	properties := make(map[string]any)
	var required []string
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[name] = r.of(t.Field(i).Type)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	object := map[string]any{"type": "object", "properties": properties}
	if required != nil {
		object["required"] = required
	}
	return object
}
