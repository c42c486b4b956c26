package rules_test

import (
	"strings"
	"testing"

	"github.com/support-go/support/internal/rules"
)

const (
	apiSource = `// Package m is an example.
package m

import "errors"

// ErrGone is a sentinel.
var ErrGone = errors.New("m: gone")

// T is a type.
type T struct {
	// A is a field.
	A      int
	hidden int
	B      string // after
}

type own struct{}

// Close is not reachable.
func (own) Close() {}

// Set sets.
func (t *T) Set(a int) { t.A = a }

func (t *T) set() {}

// New makes one.
func New() *T { return &T{} }

// Kinds of T.
const (
	One = iota
	Two
	three
)
`
	apiText = `var ErrGone = errors.New("m: gone")

func New() *T

const (
	One = iota
	Two
)

type T struct {
	A int
	B string
	// contains filtered or unexported fields
}
func (t *T) Set(a int)
`
)

func TestSnapshots(t *testing.T) {
	got, err := rules.Snapshots(files{
		"m.go":             apiSource,
		"net/line/line.go": "package line\n\nfunc F() {}",
		"net/line/bsd.go":  "//go:build bsd\n\npackage line\n\nfunc F() {}",
		"internal/i/i.go":  "package i\n\nfunc F() {}",
		"cmd/x/x.go":       "package main\n\nfunc F() {}",
		"empty/e.go":       "package empty",
	}.load(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"api/m.txt": apiText, "api/net.line.txt": "func F()\n"}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d files, want %d: %v", len(got), len(want), got)
	}
}

func TestAPI(t *testing.T) {
	testRule(t, rules.API, map[string]ruleTest{
		"as recorded":     {files{"m.go": apiSource, "api/m.txt": apiText}, nil},
		"another comment": {files{"m.go": strings.ReplaceAll(apiSource, "\thidden int\n", "\t// B is one, too.\n\t//\n"), "api/m.txt": strings.ReplaceAll(apiText, "\t// contains filtered or unexported fields\n", "")}, nil},
		"new name": {
			files{"m.go": apiSource + "func More() {}\n", "api/m.txt": apiText},
			[]string{"go test ./internal/rules -update\n\t+ func More()"},
		},
		"lost name":       {files{"m.go": "package m\n", "api/m.txt": "func F()\n"}, []string{"api/m.txt belongs to no package"}},
		"changed":         {files{"m.go": "package m\n\nfunc F(a int) {}", "api/m.txt": "func F()\n"}, []string{"\n\t- func F()\n\t+ func F(a int)"}},
		"never recorded":  {files{"m.go": "package m\n\nfunc F() {}"}, []string{"api/m.txt differs"}},
		"package is gone": {files{"m.go": "package m\n", "api/old.txt": "func F()\n"}, []string{"api/old.txt belongs to no package"}},
	})
}
