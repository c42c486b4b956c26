package rules

import (
	"slices"
	"strings"

	"github.com/support-go/support/internal/source"
)

// Modules checks the table of other people's modules in ARCHITECTURE.md,
// "module" to "reached only from". A library package reaches a module if it
// imports it, or imports a package of ours that does; tests do not count, and
// a program (package main) may carry what it likes. Who imports a light
// package must not get NATS with it. Each module that is imported has a row
// and each row an import. The name in a row is the beginning of an import path
// and may name one package of a module; the longest that fits speaks.
func Modules(t *source.Tree) []string {
	rows, err := table(t, "module", "reached only from")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	used := map[int]bool{}
	for _, p := range t.WithCode() {
		for _, step := range reach(t, p) {
			r, ok := rowOf(patterns(rows), step.Path)
			switch {
			case !ok && len(step.via) == 1:
				found = append(found, t.Finding(step.Pos, "%s has no row for %s in the table of modules; add it with the reason: %s",
					page, step.Path, markdownRow(step.Path, "what it is for", step.via)))
			case ok && p.Name != "main" && !matchesAny(r.items, p.Dir):
				found = append(found, t.Finding(step.Pos, "%s reaches %s through %s; keep it out, or allow it in line %d of %s and say why in the commit",
					p.Dir, step.Path, strings.Join(step.via, " -> "), r.line, page))
			}
			used[r.line] = true
		}
	}
	for _, r := range rows {
		if !used[r.line] {
			found = append(found, r.finding("nothing imports %s; delete the row", r.name))
		}
	}
	return found
}

// patterns makes each name in rows stand for everything below it.
func patterns(rows []row) []row {
	all := slices.Clone(rows)
	for i := range all {
		all[i].name += "/..."
	}
	return all
}

// reached is an import of another module, with the way of our own packages
// that leads to it.
type reached struct {
	source.Import
	via []string
}

// reach finds what p imports from other modules, directly and through our own
// packages, each path once by a shortest way.
func reach(t *source.Tree, p *source.Package) []reached {
	var all []reached
	seen := map[string]bool{}
	for queue := [][]string{{p.Dir}}; len(queue) > 0; queue = queue[1:] {
		via := queue[0]
		for _, im := range t.Packages[via[len(via)-1]].Imports() {
			if seen[im.Path] || standard(im.Path) {
				continue
			}
			seen[im.Path] = true
			target, ours := t.Local(im.Path)
			switch {
			case !ours:
				all = append(all, reached{im, via})
			case t.Packages[target] != nil:
				queue = append(queue, append(slices.Clone(via), target))
			}
		}
	}
	return all
}

// standard says whether a path is in the standard library: its first element
// has no dot, as the go command decides it.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}
