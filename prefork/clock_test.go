package prefork

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestMonotonicClock: a clock that is set forward must not make every worker look
// silent, nor one that is set back have them live for ever. Differences of
// times count on the monotonic clock as long as nothing takes that part of a
// time away; so nothing here may, and no time may come from elsewhere.
func TestMonotonicClock(t *testing.T) {
	forbidden := map[string]string{
		"Round":     "takes the monotonic part away",
		"Truncate":  "takes the monotonic part away",
		"UTC":       "takes the monotonic part away",
		"Local":     "takes the monotonic part away",
		"In":        "takes the monotonic part away",
		"AddDate":   "takes the monotonic part away",
		"Unix":      "is of the wall clock",
		"UnixMilli": "is of the wall clock",
		"UnixMicro": "is of the wall clock",
		"UnixNano":  "is of the wall clock",
		"Date":      "is of the wall clock",
		"Parse":     "is of the wall clock",
		"ModTime":   "is of the wall clock",
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			calls++
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || forbidden[method.Sel.Name] == "" || noTime(method.X) {
				return true
			}
			t.Errorf("%s: %s %s", set.Position(n.Pos()), method.Sel.Name, forbidden[method.Sel.Name])
			return true
		})
	}
	if calls < 100 {
		t.Errorf("only %d calls found: this looks at nothing", calls)
	}
}

// noTime says whether x is a difference of times, which may be rounded, or a file.
func noTime(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.CallExpr:
		method, ok := x.Fun.(*ast.SelectorExpr)
		return ok && (method.Sel.Name == "Sub" || method.Sel.Name == "Since")
	case *ast.SelectorExpr:
		return x.Sel.Name == "lock"
	case *ast.Ident:
		return x.Name == "wait" || x.Name == "silence" || x.Name == "lock" || x.Name == "file"
	}
	return false
}
