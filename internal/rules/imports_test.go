package rules_test

import (
	"testing"

	"github.com/support-go/support/internal/rules"
)

const packageTable = `
| package | one line | may import |
|---|---|---|
| ` + "`.` (`m`)" + ` | root | ` + "`leaf`, `stats`" + ` |
| ` + "`leaf`" + ` | a leaf | ` + "`stats`" + ` |
| ` + "`stats`" + ` | numbers | ` + "`internal/ring`" + ` |
| ` + "`internal/...`" + ` | inside | ` + "`internal/...`" + ` |

| module | why | reached only from |
|---|---|---|
| ` + "`other.org/x`" + ` | no row of the table above | ` + "`leaf`" + ` |
`

// layers is a module that keeps to packageTable.
func layers() files {
	return files{
		"ARCHITECTURE.md":       packageTable,
		"m.go":                  "package m\n\nimport (\n\t_ \"example.org/m/leaf\"\n\t_ \"example.org/m/stats\"\n)",
		"leaf/leaf.go":          "package leaf\n\nimport _ \"example.org/m/stats\"",
		"leaf/leaf_test.go":     "package leaf_test\n\nimport _ \"example.org/m\"",
		"stats/stats.go":        "package stats\n\nimport _ \"example.org/m/internal/ring\"",
		"internal/ring/ring.go": "package ring",
	}
}

func with(base files, name, text string) files {
	base[name] = text
	return base
}

func TestImports(t *testing.T) {
	testRule(t, rules.Imports, map[string]ruleTest{
		"as the table says": {layers(), nil},
		"no page":           {files{"m.go": "package m"}, []string{"ARCHITECTURE.md"}},
		"leaf to leaf": {
			with(layers(), "leaf/more.go", "package leaf\n\nimport _ \"example.org/m/internal/ring\""),
			[]string{"leaf/more.go:3: leaf imports internal/ring; do without, or allow it in line 5 of ARCHITECTURE.md"},
		},
		"new package": {
			with(layers(), "other/o.go", "// Package other is new. It does things.\npackage other\n\nimport _ \"example.org/m/leaf\""),
			[]string{"add: | `other` | Package other is new. | `leaf` |"},
		},
		"new package without a word": {
			with(layers(), "other/o.go", "package other"),
			[]string{"add: | `other` | what it is for | nothing |"},
		},
		"package gone": {
			files{"ARCHITECTURE.md": "| package | may import |\n|---|---|\n| `.` | nothing |\n| `leaf` | nothing |", "m.go": "package m"},
			[]string{"ARCHITECTURE.md:4: there is no package leaf"},
		},
		"stats upwards, table or not": {
			files{
				"ARCHITECTURE.md": "| package | may import |\n|---|---|\n| `stats` | `leaf` |\n| `leaf` | nothing |",
				"leaf/leaf.go":    "package leaf",
				"stats/stats.go":  "package stats\n\nimport _ \"example.org/m/leaf\"",
			},
			[]string{"stats/stats.go:3: stats must not import leaf"},
		},
		"internal upwards, table or not": {
			files{
				"ARCHITECTURE.md":       "| package | may import |\n|---|---|\n| `internal/...` | `...` |\n| `leaf` | nothing |",
				"leaf/leaf.go":          "package leaf",
				"internal/ring/ring.go": "package ring\n\nimport _ \"example.org/m/leaf\"",
			},
			[]string{"internal/ring/ring.go:3: internal/ring must not import leaf"},
		},
	})
}
