package rules_test

import (
	"strings"
	"testing"

	"github.com/support-go/support/internal/rules"
)

func TestSizes(t *testing.T) {
	blank := func(n int) string { return strings.Repeat("\n", n) }
	testRule(t, rules.Sizes, map[string]ruleTest{
		"small":          {files{"a/a.go": "package a\n\nfunc f() {" + blank(99) + "}"}, nil},
		"long function":  {files{"a/a.go": "package a\n\nfunc f() {" + blank(100) + "}"}, []string{"a/a.go:3: f has 101 lines"}},
		"long file":      {files{"a/a.go": "package a" + blank(500) + "type t int"}, []string{"a/a.go: the file has 501 lines"}},
		"long test file": {files{"a/a_test.go": "package a" + blank(500) + "type t int"}, []string{"a/a_test.go: the file has 501 lines"}},
		"large root": {
			files{"a.go": "package m" + blank(499) + "type a int", "b.go": "package m" + blank(499) + "type b int", "c.go": "package m"},
			[]string{".: the package has 1001 lines"},
		},
		"not the root": {
			files{"a/a.go": "package m" + blank(499) + "type a int", "a/b.go": "package m" + blank(499) + "type b int", "a/c.go": "package m"},
			nil,
		},
	})
}
