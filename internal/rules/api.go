package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/support-go/support/internal/source"
)

// Snapshots returns what each package offers to its importers, as text by the
// name of the file that keeps it: api/support.txt for the root of a module
// ending in /support, api/netbuf.resp.txt for netbuf/resp. Programs and
// internal packages offer nothing.
func Snapshots(t *source.Tree) (map[string]string, error) {
	files := map[string]string{}
	for _, p := range t.WithCode() {
		if p.Name == "main" || internal(p.Dir) {
			continue
		}
		text, err := snapshot(t, p)
		if err != nil {
			return nil, err
		}
		if text != "" {
			files[snapshotFile(t, p)] = text
		}
	}
	return files, nil
}

// API compares the files under api with Snapshots: what a package exports
// changes only together with its file, where a reviewer sees it.
func API(t *source.Tree) []string {
	want, err := Snapshots(t)
	if err != nil {
		return []string{err.Error()}
	}
	have, err := snapshotFiles(t.FS)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if have[name] != want[name] {
			found = append(found, fmt.Sprintf("%s differs from the code; if that is meant, run: go test ./internal/rules -update\n%s",
				name, difference(have[name], want[name])))
		}
		delete(have, name)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		found = append(found, name+" belongs to no package; run: go test ./internal/rules -update")
	}
	return found
}

// snapshotFiles reads what api holds now.
func snapshotFiles(fsys fs.FS) (map[string]string, error) {
	names, err := fs.Glob(fsys, "api/*.txt")
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		files[name] = string(data)
	}
	return files, nil
}

func snapshotFile(t *source.Tree, p *source.Package) string {
	name := strings.ReplaceAll(p.Dir, "/", ".")
	if p.Dir == "." {
		name = path.Base(t.Module)
	}
	return "api/" + name + ".txt"
}

func internal(dir string) bool {
	return slices.Contains(strings.Split(dir, "/"), "internal")
}

// snapshot writes the exported declarations of a package: a type before its
// methods, all in the order of their names, so that moving code about changes
// nothing. What is declared once per platform and reads the same stands once.
func snapshot(t *source.Tree, p *source.Package) (string, error) {
	var all []declaration
	for _, f := range p.Files {
		file, err := exported(t, f)
		if err != nil {
			return "", err
		}
		all = append(all, file...)
	}
	slices.SortFunc(all, func(a, b declaration) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.text, b.text))
	})
	all = slices.Compact(all)
	var out strings.Builder
	for i, d := range all {
		if i > 0 && d.owner() != all[i-1].owner() {
			out.WriteString("\n")
		}
		out.WriteString(d.text + "\n")
	}
	return out.String(), nil
}

// declaration is an exported declaration under the name it is sorted by.
type declaration struct {
	name, text string
}

// owner is what a declaration stands together with: a method with its type.
func (d declaration) owner() string {
	owner, _, _ := strings.Cut(d.name, ".")
	return owner
}

// exported parses a file once more, without comments, since ast.FileExports
// cuts the tree it is given.
func exported(t *source.Tree, f *source.File) ([]declaration, error) {
	text, err := fs.ReadFile(t.FS, f.Path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, f.Path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.FileExports(syntax)
	var all []declaration
	for _, decl := range syntax.Decls {
		if name := declared(decl); name != "" {
			text, err := printed(fset, decl)
			if err != nil {
				return nil, err
			}
			all = append(all, declaration{name, text})
		}
	}
	return all, nil
}

// printed formats a declaration without the blank lines that the printer puts
// where a comment or a hidden field was, so that those may change freely.
func printed(fset *token.FileSet, decl ast.Decl) (string, error) {
	var raw bytes.Buffer
	if err := printer.Fprint(&raw, fset, decl); err != nil {
		return "", err
	}
	dense := bytes.ReplaceAll(raw.Bytes(), []byte("\n\n"), []byte("\n"))
	text, err := format.Source(dense)
	return string(text), err
}

// declared names a declaration: "F", "T", "T.Method", and a group by its first
// name. An import and a method of a hidden type have none. Bodies of functions
// are cut off.
func declared(decl ast.Decl) string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		d.Body = nil
		switch {
		case d.Recv == nil:
			return d.Name.Name
		case ast.IsExported(source.Receiver(d)):
			return source.Receiver(d) + "." + d.Name.Name
		}
	case *ast.GenDecl:
		switch s := d.Specs[0].(type) {
		case *ast.TypeSpec:
			return s.Name.Name
		case *ast.ValueSpec:
			return s.Names[0].Name
		}
	}
	return ""
}

// difference lists the lines that only one of two texts has, by sign.
func difference(have, want string) string {
	var out []string
	only := func(sign, a, b string) {
		in := strings.Split(b, "\n")
		for line := range strings.SplitSeq(a, "\n") {
			if !slices.Contains(in, line) {
				out = append(out, "\t"+sign+" "+line)
			}
		}
	}
	only("-", have, want)
	only("+", want, have)
	return strings.Join(out, "\n")
}
