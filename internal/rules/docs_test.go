package rules_test

import (
	"testing"

	"github.com/support-go/support/internal/rules"
)

func TestDocs(t *testing.T) {
	testRule(t, rules.Docs, map[string]ruleTest{
		"all said": {files{
			"m.go": `// Package m is fine.
package m

// T is a type.
type T struct{ A int }

// M is a method.
func (*T) M() {}

type hidden[K any] struct{}

func (hidden[K]) Method() {}

// Kinds of T.
const (
	One = iota
	Two
)

var (
	// X is a variable.
	X = 1
	y = 2
)
`,
			"m_test.go":  "package m\n\nfunc Helper() {}",
			"cmd/x/x.go": "// Hello says hello.\npackage main",
		}, nil},
		"no package comment":       {files{"m.go": "package m", "n.go": "package m"}, []string{"m.go:1: package m has no comment"}},
		"no comment on a program":  {files{"cmd/x/x.go": "package main"}, []string{"cmd/x/x.go:1: package main has no comment"}},
		"another package's":        {files{"m.go": "// Package n is fine.\npackage m"}, []string{`m.go:2: the package comment must begin "Package m "`}},
		"function without":         {files{"m.go": "// Package m is.\npackage m\n\nfunc F() {}"}, []string{"m.go:4: F is exported"}},
		"begins with another name": {files{"m.go": "// Package m is.\npackage m\n\n// Fun is.\nfunc F() {}"}, []string{"m.go:5: F is exported"}},
		"method without":           {files{"m.go": "// Package m is.\npackage m\n\n// T is.\ntype T[K any] int\n\nfunc (*T[K]) M() {}"}, []string{"m.go:7: M is exported"}},
		"type in a group": {
			files{"m.go": "// Package m is.\npackage m\n\n// Types of m.\ntype (\n\tT int\n)"},
			[]string{"m.go:6: T is exported"},
		},
		"constant without": {files{"m.go": "// Package m is.\npackage m\n\nconst C = 1"}, []string{"m.go:4: C is exported"}},
		"group without": {
			files{"m.go": "// Package m is.\npackage m\n\nvar (\n\tA = 1\n\t// B is.\n\tB = 2\n)"},
			[]string{"m.go:5: A is exported"},
		},
	})
}
