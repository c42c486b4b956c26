package rules

import (
	"slices"
	"strings"
)

// Modules checks the table of other people's modules in ARCHITECTURE.md,
// "module" to "reached only from". A library package reaches a module if it
// imports it, or imports a package of ours that does; tests do not count, and
// a program (package main) may carry what it likes. Who imports a light
// package must not get NATS with it. Each module that is imported has a row
// and each row an import. The name in a row is the beginning of an import path
// and may name one package of a module; the longest that fits speaks.
func Modules(t *Tree) []string {
	rows, err := t.table("module", "reached only from")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	used := map[int]bool{}
	for _, p := range t.libraries() {
		for _, step := range t.reach(p) {
			r, ok := rowOf(patterns(rows), step.path)
			switch {
			case !ok && len(step.via) == 1:
				found = append(found, t.finding(step.pos, "%s has no row for %s in the table of modules; add it with the reason: %s",
					page, step.path, markdownRow(step.path, "what it is for", step.via)))
			case ok && p.Name != "main" && !matchesAny(r.items, p.Dir):
				found = append(found, t.finding(step.pos, "%s reaches %s through %s; keep it out, or allow it in line %d of %s and say why in the commit",
					p.Dir, step.path, strings.Join(step.via, " -> "), r.line, page))
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
	imported
	via []string
}

// reach finds what p imports from other modules, directly and through our own
// packages, each path once by a shortest way.
func (t *Tree) reach(p *Package) []reached {
	var all []reached
	seen := map[string]bool{}
	for queue := [][]string{{p.Dir}}; len(queue) > 0; queue = queue[1:] {
		via := queue[0]
		for _, im := range t.imports(t.Packages[via[len(via)-1]]) {
			if seen[im.path] || standard(im.path) {
				continue
			}
			seen[im.path] = true
			target, ours := t.local(im.path)
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
