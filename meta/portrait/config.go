package portrait

import (
	"fmt"
	"reflect"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// Setting is one thing that is configured.
type Setting struct {
	Name    string
	Used    any // that is in force
	Default bool
}

// Settings are the fields of a struct, and of those in it: set is what was
// configured, of which zero means the default, and used is what is in force.
// Functions are only said to be there.
func Settings(prefix string, set, used any) []Setting {
	return fields(prefix, reflect.ValueOf(set), reflect.ValueOf(used))
}

func fields(prefix string, set, used reflect.Value) (all []Setting) {
	for i := range set.NumField() {
		f := set.Type().Field(i)
		name := prefix + "." + f.Name
		switch {
		case !f.IsExported():
		case f.Type.Kind() == reflect.Struct:
			all = append(all, fields(name, set.Field(i), used.Field(i))...)
		case !plainKind(f.Type.Kind()):
			if !set.Field(i).IsZero() {
				all = append(all, Setting{Name: name, Used: "by the program"})
			}
		default:
			all = append(all, Setting{Name: name, Used: used.Field(i).Interface(), Default: set.Field(i).IsZero()})
		}
	}
	return all
}

func plainKind(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Float64 || k == reflect.String
}

// Config shows settings, and which of them are defaults.
func Config(title string, settings []Setting) meta.Block {
	t := &meta.Table{Key: "setting", Columns: []meta.Column{{Name: "setting", Title: "Setting", Unit: data.UnitCode}, {Name: "value", Title: "In force", Wrap: true}, {Name: "from", Title: "From"}}}
	for _, s := range settings {
		from := "set"
		if s.Default {
			from = "default"
		}
		t.Add(s.Name, shown(s.Used), from)
	}
	return meta.Block{Name: "config " + title, Title: title, Half: true, Table: t}
}

func shown(v any) any {
	switch v := v.(type) {
	case time.Duration:
		if v < 0 {
			return "never"
		}
		return human.Duration(v.Seconds()).String()
	case int:
		if v < 0 {
			return "off"
		}
	case float64:
		if v < 0 {
			return "never"
		}
	case string:
		if v == "" {
			return human.None
		}
		return v
	}
	return fmt.Sprint(v)
}
