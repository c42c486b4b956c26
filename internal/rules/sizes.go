package rules

import (
	"fmt"
	"go/ast"

	"github.com/support-go/support/internal/source"
)

// Limits of size. To pass one is no fault; it is a reason to ask what the
// second noun is.
const (
	fileLines     = 500
	functionLines = 100
	packageLines  = 1300
	rootLines     = 1000
)

// Sizes lists files, functions and packages that have grown large, for people
// to look at. Tests count as files only.
func Sizes(t *source.Tree) []string {
	var found []string
	for _, p := range t.All() {
		sum := 0
		for _, f := range p.Files {
			sum += lines(t, f.Syntax)
			found = append(found, largeFile(t, f)...)
			found = append(found, largeFunctions(t, f)...)
		}
		for _, f := range p.Tests {
			found = append(found, largeFile(t, f)...)
		}
		if sum > packageLines || p.Dir == "." && sum > rootLines {
			found = append(found, fmt.Sprintf("%s: the package has %d lines; what is the second noun?", p.Dir, sum))
		}
	}
	return found
}

func largeFile(t *source.Tree, f *source.File) []string {
	if n := lines(t, f.Syntax); n > fileLines {
		return []string{fmt.Sprintf("%s: the file has %d lines; what is the second noun?", f.Path, n)}
	}
	return nil
}

func largeFunctions(t *source.Tree, f *source.File) []string {
	var found []string
	for _, decl := range f.Syntax.Decls {
		if d, ok := decl.(*ast.FuncDecl); ok && lines(t, d) > functionLines {
			found = append(found, t.Finding(d.Pos(), "%s has %d lines", d.Name.Name, lines(t, d)))
		}
	}
	return found
}

// lines counts from the first line of a node to its last. A file's node ends
// with its last declaration, which is near enough.
func lines(t *source.Tree, n ast.Node) int {
	start := n.Pos()
	if f, ok := n.(*ast.File); ok {
		start = f.FileStart
	}
	return t.Fset.Position(n.End()).Line - t.Fset.Position(start).Line + 1
}
