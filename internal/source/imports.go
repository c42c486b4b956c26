package source

import (
	"cmp"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
)

// Import is an import of a package and the first place that has it.
type Import struct {
	Path string
	Pos  token.Pos
}

// Imports returns what the files of p other than its tests import, each path
// once, in order.
func (p *Package) Imports() []Import {
	var all []Import
	for _, f := range p.Files {
		for _, spec := range f.Syntax.Imports {
			all = append(all, Import{pathOf(spec), spec.Pos()})
		}
	}
	slices.SortStableFunc(all, func(a, b Import) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(all, func(a, b Import) bool { return a.Path == b.Path })
}

func pathOf(spec *ast.ImportSpec) string {
	// The parser has checked that the literal is a Go string.
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}

// Selects says whether expr is the name in the package with this import path,
// whatever the file calls that package.
func (f *File) Selects(expr ast.Expr, importPath, name string) bool {
	sel, ok := expr.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == f.importName(importPath)
}

// importName is what a file calls an imported package, "" if it does not
// import it.
func (f *File) importName(importPath string) string {
	for _, spec := range f.Syntax.Imports {
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

var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// lastElement is what a package with this import path is most likely called.
func lastElement(importPath string) string {
	return path.Base(majorVersion.ReplaceAllString(importPath, ""))
}
