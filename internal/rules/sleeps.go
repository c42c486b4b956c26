package rules

import (
	"go/ast"
	"go/token"

	"github.com/support-go/support/internal/source"
)

// Sleeps finds tests that wait for time to pass: time.Sleep, or a bare receive
// from time.After. Within a function given to synctest.Test the clock is the
// bubble's own and both are free.
func Sleeps(t *source.Tree) []string {
	var found []string
	for _, p := range t.All() {
		bubbles := bubbleNames(p)
		for _, f := range p.Tests {
			found = append(found, sleeps(t, f, bubbles)...)
		}
	}
	return found
}

// bubbleNames are the functions that a package's tests give to synctest.Test
// by name.
func bubbleNames(p *source.Package) map[string]bool {
	names := map[string]bool{}
	for _, f := range p.Tests {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if id, ok := bubble(f, n).(*ast.Ident); ok {
				names[id.Name] = true
			}
			return true
		})
	}
	return names
}

// bubble returns the function that a call of synctest.Test is given, or nil if
// n is something else.
func bubble(f *source.File, n ast.Node) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 || !f.Selects(call.Fun, "testing/synctest", "Test") {
		return nil
	}
	return call.Args[1]
}

func sleeps(t *source.Tree, f *source.File, bubbles map[string]bool) []string {
	var found []string
	var choice ast.Stmt // of a select: there time.After is a time-out, not a sleep
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && bubbles[n.Name.Name] {
				return false
			}
		case *ast.CommClause:
			choice = n.Comm
		}
		if bubble(f, n) != nil {
			return false
		}
		if n != choice && asleep(f, n) {
			found = append(found, t.Finding(n.Pos(), "a test must not sleep; wait for a condition, or use synctest.Test"))
		}
		return true
	})
	return found
}

func asleep(f *source.File, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		return f.Selects(n, "time", "Sleep")
	case *ast.ExprStmt:
		receive, ok := n.X.(*ast.UnaryExpr)
		if !ok || receive.Op != token.ARROW {
			return false
		}
		call, ok := receive.X.(*ast.CallExpr)
		return ok && f.Selects(call.Fun, "time", "After")
	}
	return false
}
