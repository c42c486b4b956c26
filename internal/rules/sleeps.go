package rules

import (
	"go/ast"
	"go/token"
)

// Sleeps finds tests that wait for time to pass: time.Sleep, or a bare receive
// from time.After. Within a function given to synctest.Test the clock is the
// bubble's own and both are free.
func Sleeps(t *Tree) []string {
	var found []string
	for _, p := range t.sorted() {
		bubbles := bubbleNames(p)
		for _, f := range p.Tests {
			found = append(found, t.sleeps(f, bubbles)...)
		}
	}
	return found
}

// bubbleNames are the functions that a package's tests give to synctest.Test
// by name.
func bubbleNames(p *Package) map[string]bool {
	names := map[string]bool{}
	for _, f := range p.Tests {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if id, ok := bubble(f.Syntax, n).(*ast.Ident); ok {
				names[id.Name] = true
			}
			return true
		})
	}
	return names
}

// bubble returns the function that a call of synctest.Test is given, or nil if
// n is something else.
func bubble(f *ast.File, n ast.Node) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 || !selects(f, call.Fun, "testing/synctest", "Test") {
		return nil
	}
	return call.Args[1]
}

func (t *Tree) sleeps(f *File, bubbles map[string]bool) []string {
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
		if bubble(f.Syntax, n) != nil {
			return false
		}
		if n != choice && sleeps(f.Syntax, n) {
			found = append(found, t.finding(n.Pos(), "a test must not sleep; wait for a condition, or use synctest.Test"))
		}
		return true
	})
	return found
}

func sleeps(f *ast.File, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		return selects(f, n, "time", "Sleep")
	case *ast.ExprStmt:
		receive, ok := n.X.(*ast.UnaryExpr)
		if !ok || receive.Op != token.ARROW {
			return false
		}
		call, ok := receive.X.(*ast.CallExpr)
		return ok && selects(f, call.Fun, "time", "After")
	}
	return false
}

// selects says whether expr is the name in the package with this import path,
// whatever the file calls that package.
func selects(f *ast.File, expr ast.Expr, importPath, name string) bool {
	sel, ok := expr.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == importName(f, importPath)
}

// importName is what a file calls an imported package, "" if it does not
// import it. The last element of the path is taken for the package's name.
func importName(f *ast.File, importPath string) string {
	for _, spec := range f.Imports {
		switch {
		case pathOf(spec) != importPath:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return lastElement(importPath)
		}
	}
	return ""
}
