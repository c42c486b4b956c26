package portrait

import (
	"fmt"
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
	case string:
		if v == "" {
			return human.None
		}
		return v
	}
	return fmt.Sprint(v)
}
