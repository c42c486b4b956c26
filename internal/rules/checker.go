package rules

import (
	"go/ast"
	"go/types"
	"path"
	"regexp"
)

// checker resolves names with go/types. Only packages of this module are
// checked; all others are taken to be empty and errors are ignored. That is
// enough to tell a package variable from a local one and to know the methods
// of our own types, and needs neither the network nor compiled packages.
type checker struct {
	tree *Tree
	code map[string]*unit // by directory: what importers of a package see
}

// unit is what a compiler takes at once: files that share a package clause.
type unit struct {
	dir   string
	files []*ast.File
	pkg   *types.Package
	info  *types.Info
}

func newChecker(t *Tree) *checker {
	return &checker{t, map[string]*unit{}}
}

// check resolves a package without its tests, once.
func (c *checker) check(p *Package) *unit {
	if c.code[p.Dir] == nil {
		u := c.resolve(p, p.Name, p.Files)
		c.code[p.Dir] = u
	}
	return c.code[p.Dir]
}

// units resolves all of a package: its code together with its internal tests,
// and its external tests.
func (c *checker) units(p *Package) []*unit {
	inside, outside := p.Files, []*File(nil)
	for _, f := range p.Tests {
		if f.Syntax.Name.Name == p.Name {
			inside = append(inside[:len(inside):len(inside)], f)
		} else {
			outside = append(outside, f)
		}
	}
	return []*unit{c.resolve(p, p.Name, inside), c.resolve(p, p.Name+"_test", outside)}
}

func (c *checker) resolve(p *Package, name string, files []*File) *unit {
	u := &unit{dir: p.Dir, info: &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	for _, f := range files {
		u.files = append(u.files, f.Syntax)
	}
	u.pkg = types.NewPackage(path.Join(c.tree.Module, p.Dir), name)
	config := types.Config{Importer: c, Error: func(error) {}, FakeImportC: true}
	// Errors are expected: see checker.
	_ = types.NewChecker(&config, c.tree.Fset, u.pkg, u.info).Files(u.files)
	return u
}

// Import is for go/types.
func (c *checker) Import(importPath string) (*types.Package, error) {
	if dir, ok := c.tree.local(importPath); ok && c.tree.Packages[dir] != nil {
		return c.check(c.tree.Packages[dir]).pkg, nil
	}
	empty := types.NewPackage(importPath, lastElement(importPath))
	empty.MarkComplete()
	return empty, nil
}

var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// lastElement is what a package with this import path is most likely called.
func lastElement(importPath string) string {
	return path.Base(majorVersion.ReplaceAllString(importPath, ""))
}
