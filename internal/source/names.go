package source

import (
	"go/ast"
	"go/types"
	"path"
)

// Names resolves names with go/types. Only packages of this module are
// checked; all others are taken to be empty and errors are ignored. That is
// enough to tell a package variable from a local one and to know the methods
// of our own types, and needs neither the network nor compiled packages.
type Names struct {
	tree *Tree
	code map[string]*Unit // by directory: what importers of a package see
}

// Unit is what a compiler takes at once: files that share a package clause.
type Unit struct {
	Dir   string
	Files []*ast.File
	Info  *types.Info // types, uses and selections
	pkg   *types.Package
}

// NewNames resolves nothing yet; its methods do when they are asked.
func NewNames(t *Tree) *Names {
	return &Names{t, map[string]*Unit{}}
}

// Code resolves a package without its tests, once.
func (n *Names) Code(p *Package) *Unit {
	if n.code[p.Dir] == nil {
		n.code[p.Dir] = n.resolve(p, p.Name, p.Files)
	}
	return n.code[p.Dir]
}

// Units resolves all of a package: its code together with its internal tests,
// and its external tests.
func (n *Names) Units(p *Package) []*Unit {
	inside, outside := p.Files, []*File(nil)
	for _, f := range p.Tests {
		if f.Syntax.Name.Name == p.Name {
			inside = append(inside[:len(inside):len(inside)], f)
		} else {
			outside = append(outside, f)
		}
	}
	return []*Unit{n.resolve(p, p.Name, inside), n.resolve(p, p.Name+"_test", outside)}
}

func (n *Names) resolve(p *Package, name string, files []*File) *Unit {
	u := &Unit{Dir: p.Dir, Info: &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	for _, f := range files {
		u.Files = append(u.Files, f.Syntax)
	}
	u.pkg = types.NewPackage(path.Join(n.tree.Module, p.Dir), name)
	config := types.Config{Importer: n, Error: func(error) {}, FakeImportC: true}
	// Errors are expected: see Names.
	_ = types.NewChecker(&config, n.tree.Fset, u.pkg, u.Info).Files(u.Files)
	return u
}

// Import is for go/types.
func (n *Names) Import(importPath string) (*types.Package, error) {
	if dir, ok := n.tree.Local(importPath); ok && n.tree.Packages[dir] != nil {
		return n.Code(n.tree.Packages[dir]).pkg, nil
	}
	empty := types.NewPackage(importPath, lastElement(importPath))
	empty.MarkComplete()
	return empty, nil
}
