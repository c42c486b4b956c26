package rules

import (
	"fmt"
	"go/doc"
	"maps"
	"slices"

	"github.com/support-go/support/internal/source"
)

// Imports checks the table of packages in ARCHITECTURE.md, "package" to "may
// import", against the imports of every file that is not a test. Each package
// has a row and each row a package; "examples/..." stands for a directory and
// all below it. Whatever a row says, stats imports nothing of ours but
// internal, and internal nothing but internal: the direction of the module is
// root, leaves, stats, internal.
func Imports(t *source.Tree) []string {
	rows, err := table(t, "package", "may import")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	used := map[int]bool{}
	for _, p := range t.WithCode() {
		r, ok := rowOf(rows, p.Dir)
		if !ok {
			found = append(found, fmt.Sprintf("%s: no row for the package %s in the table of packages; add: %s", page, p.Dir, suggest(t, p)))
			continue
		}
		used[r.line] = true
		found = append(found, forbidden(t, p, r)...)
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

func forbidden(t *source.Tree, p *source.Package, r row) []string {
	var found []string
	for _, im := range p.Imports() {
		target, ours := t.Local(im.Path)
		switch {
		case !ours:
		case matches("internal/...", p.Dir) && !matches("internal/...", target),
			p.Dir == "stats" && !matches("internal/...", target):
			found = append(found, t.Finding(im.Pos, "%s must not import %s: the direction is root, leaves, stats, internal", p.Dir, target))
		case !matchesAny(r.items, target):
			found = append(found, t.Finding(im.Pos, "%s imports %s; do without, or allow it in line %d of %s and say why in the commit", p.Dir, target, r.line, page))
		}
	}
	return found
}

// suggest writes the row that would describe a package as it is.
func suggest(t *source.Tree, p *source.Package) string {
	ours := map[string]bool{}
	for _, im := range p.Imports() {
		if target, ok := t.Local(im.Path); ok {
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
