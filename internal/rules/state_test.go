package rules_test

import (
	"testing"

	"github.com/support-go/support/internal/rules"
	"github.com/support-go/support/internal/source"
)

func TestState(t *testing.T) {
	strict := func(tree *source.Tree) []string { return rules.State(tree, nil) }
	testRule(t, strict, map[string]ruleTest{
		"as good as constant": {files{"m.go": `package m

import (
	"embed"
	"errors"
	"io"
	"regexp"
	"sync"
)

//go:embed page.html
var page embed.FS

var ErrGone = errors.New("m: gone")

var (
	_      io.Reader = (*T)(nil)
	name             = regexp.MustCompile("^a")
	limits           = map[string][]int{"a": {1, -2}}
	powers           = squares(4)
	points           = grid()
	magic            = []byte("\x00m")
	once             = sync.OnceValue(func() int { return 1 })
)

type T struct{ x int }

func squares(n int) []uint64 { return make([]uint64, n) }

type point struct{ x, y int }

func grid() [4]point { return [4]point{} }

func (t *T) set(limits int) {
	limits = 3
	t.x = limits
	powers := powers
	powers[0]++
}
`, "m_test.go": "package m\n\nvar seen int\n\nfunc f() { seen++ }"}, nil},

		"init":           {files{"m.go": "package m\n\nfunc init() {}"}, []string{"m.go:3: no func init"}},
		"init in a test": {files{"m.go": "package m", "m_test.go": "package m\n\nfunc init() {}"}, nil},
		"no value":       {files{"m.go": "package m\n\nimport \"sync\"\n\nvar mu sync.Mutex"}, []string{"m.go:5: package variable mu can change"}},
		"made":           {files{"m.go": "package m\n\nvar c = make(chan int)"}, []string{"m.go:3: package variable c can change"}},
		"pointer":        {files{"m.go": "package m\n\ntype T struct{}\n\nvar p = &T{}"}, []string{"m.go:5: package variable p"}},
		"constructed":    {files{"m.go": "package m\n\ntype T struct{}\n\nfunc New() *T { return nil }\n\nvar p = New()"}, []string{"m.go:7: package variable p"}},
		"guarded":        {files{"m.go": "package m\n\nimport \"sync\"\n\ntype T struct{ mu sync.Mutex }\n\nfunc zero() (t T) { return }\n\nvar v = zero()"}, []string{"m.go:9: package variable v"}},
		"endless":        {files{"m.go": "package m\n\ntype T struct{ kids []T }\n\nfunc zero() (t T) { return }\n\nvar v = zero()"}, []string{"m.go:7: package variable v"}},
		"from elsewhere": {files{"m.go": "package m\n\nimport \"net/http\"\n\nvar c = http.NewServeMux()"}, []string{"m.go:5: package variable c"}},

		"assigned":        {files{"m.go": "package m\n\nvar n = 1\n\nfunc f() { n = 2 }"}, []string{"m.go:5: package variable n is changed here"}},
		"counted":         {files{"m.go": "package m\n\nvar n = 1\n\nfunc f() { n++ }"}, []string{"m.go:5: package variable n is changed"}},
		"element":         {files{"m.go": "package m\n\nvar n = [2]int{}\n\nfunc f() { n[0] = 2 }"}, []string{"m.go:5: package variable n is changed"}},
		"deleted":         {files{"m.go": "package m\n\nvar n = map[int]int{}\n\nfunc f() { delete(n, 1) }"}, []string{"m.go:5: package variable n is changed"}},
		"ranged into":     {files{"m.go": "package m\n\nvar n = 1\n\nfunc f() { for n = range 3 {\n} }"}, []string{"m.go:5: package variable n is changed"}},
		"address taken":   {files{"m.go": "package m\n\nvar n = 1\n\nfunc f() *int { return &n }"}, []string{"m.go:5: package variable n is changed"}},
		"pointer method":  {files{"m.go": "package m\n\ntype T struct{}\n\nfunc (*T) Set() {}\n\nvar n = T{}\n\nfunc f() { n.Set() }"}, []string{"m.go:9: package variable n is changed"}},
		"by a later file": {files{"m.go": "package m\n\nvar n = 1", "a.go": "package m\n\nfunc f() { n = 2 }"}, []string{"a.go:3: package variable n is changed"}},
		"by its own test": {files{"m.go": "package m\n\nvar now = f", "m_test.go": "package m\n\nfunc g() { now = nil }"}, []string{"m_test.go:3: package variable now is changed"}},
		"by another package": {
			files{"a/a.go": "package a\n\nvar N = 1", "b/b_test.go": "package b_test\n\nimport \"example.org/m/a\"\n\nfunc f() { a.N = 2 }"},
			[]string{"b/b_test.go:5: package variable a.N is changed"},
		},
		"a registry of another package": {
			files{
				"a/a.go": "package a\n\ntype R struct{}\n\nfunc (*R) Add() {}",
				"b/b.go": "package b\n\nimport \"example.org/m/a\"\n\nvar r = a.R{}\n\nfunc f() { r.Add() }",
			},
			[]string{"b/b.go:7: package variable b.r is changed"},
		},
	})
}

func TestStateExcuses(t *testing.T) {
	excuse := func(tree *source.Tree) []string {
		return rules.State(tree, map[string]string{"init": "runs first", "a.n": "a reason"})
	}
	both := files{"m.go": "package m\n\nfunc init() {}", "a/a.go": "package a\n\nvar n int"}
	testRule(t, excuse, map[string]ruleTest{
		"both needed": {both, nil},
		"one stale":   {files{"m.go": "package m\n\nfunc init() {}"}, []string{"the excuse for a.n is not needed"}},
	})
}
