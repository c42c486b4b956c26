package rules

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/doc"
	"go/token"
	"maps"
	"slices"
	"strconv"
)

// Imports checks the table of packages in ARCHITECTURE.md, "package" to "may
// import", against the imports of every file that is not a test. Each package
// has a row and each row a package; "examples/..." stands for a directory and
// all below it. Whatever a row says, stats imports nothing of ours but
// internal, and internal nothing but internal: the direction of the module is
// root, leaves, stats, internal.
func Imports(t *Tree) []string {
	rows, err := t.table("package", "may import")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	used := map[int]bool{}
	for _, p := range t.libraries() {
		r, ok := rowOf(rows, p.Dir)
		if !ok {
			found = append(found, fmt.Sprintf("%s: no row for the package %s in the table of packages; add: %s", page, p.Dir, t.suggest(p)))
			continue
		}
		used[r.line] = true
		found = append(found, t.forbidden(p, r)...)
	}
	for _, r := range rows {
		if !used[r.line] {
			found = append(found, r.finding("there is no package %s; delete the row", r.name))
		}
	}
	return found
}

// rowOf returns the row that speaks for a directory: the longest that matches,
// so that a package may have a row besides the one of its parent's pattern.
func rowOf(rows []row, dir string) (best row, ok bool) {
	for _, r := range rows {
		if matches(r.name, dir) && len(r.name) > len(best.name) {
			best, ok = r, true
		}
	}
	return best, ok
}

func (t *Tree) forbidden(p *Package, r row) []string {
	var found []string
	for _, im := range t.imports(p) {
		target, ours := t.local(im.path)
		switch {
		case !ours:
		case matches("internal/...", p.Dir) && !matches("internal/...", target),
			p.Dir == "stats" && !matches("internal/...", target):
			found = append(found, t.finding(im.pos, "%s must not import %s: the direction is root, leaves, stats, internal", p.Dir, target))
		case !matchesAny(r.items, target):
			found = append(found, t.finding(im.pos, "%s imports %s; do without, or allow it in line %d of %s and say why in the commit", p.Dir, target, r.line, page))
		}
	}
	return found
}

// suggest writes the row that would describe a package as it is.
func (t *Tree) suggest(p *Package) string {
	ours := map[string]bool{}
	for _, im := range t.imports(p) {
		if target, ok := t.local(im.path); ok {
			ours[target] = true
		}
	}
	about := "what it is for"
	for _, f := range p.Files {
		if f.Syntax.Doc != nil {
			about = new(doc.Package).Synopsis(f.Syntax.Doc.Text())
		}
	}
	return markdownRow(p.Dir, about, slices.Sorted(maps.Keys(ours)))
}

// imported is one import of a package and the first place that has it.
type imported struct {
	path string
	pos  token.Pos
}

// imports returns what the files of p other than its tests import, each path
// once, in order.
func (t *Tree) imports(p *Package) []imported {
	var all []imported
	for _, f := range p.Files {
		for _, spec := range f.Syntax.Imports {
			all = append(all, imported{pathOf(spec), spec.Pos()})
		}
	}
	slices.SortStableFunc(all, func(a, b imported) int { return cmp.Compare(a.path, b.path) })
	return slices.CompactFunc(all, func(a, b imported) bool { return a.path == b.path })
}

func pathOf(spec *ast.ImportSpec) string {
	// The parser has checked that the literal is a Go string.
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}
