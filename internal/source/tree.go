// Package source is the Go code of one module, parsed, for the rules that read
// it. Files are read with go/parser and never listed by the go command: answers
// of a subprocess are not part of the key of Go's test cache, the files that a
// test opens are.
package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Tree is the Go source of one module. Nested modules, testdata, generated
// files and whatever the go command ignores are left out. Files are read
// regardless of build constraints: a rule holds on every platform.
type Tree struct {
	FS       fs.FS               // the module's root directory
	Module   string              // module path, from go.mod
	Fset     *token.FileSet      // positions of every file below
	Packages map[string]*Package // by slash-separated directory; "." is the root
}

// Package is the Go files of one directory.
type Package struct {
	Dir   string  // slash-separated, relative to the root; "." is the root
	Name  string  // name in the package clause, without _test
	Files []*File // without tests; empty where a directory has tests only
	Tests []*File // files named _test.go, of package x and of x_test
}

// File is one parsed Go file.
type File struct {
	Path   string // slash-separated, relative to the root
	Syntax *ast.File
}

// Load reads and parses the module whose root directory is fsys.
func Load(fsys fs.FS) (*Tree, error) {
	module, err := modulePath(fsys)
	if err != nil {
		return nil, err
	}
	t := &Tree{FS: fsys, Module: module, Fset: token.NewFileSet(), Packages: map[string]*Package{}}
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return t.enter(name)
		case path.Ext(name) == ".go" && !ignored(path.Base(name)):
			return t.parse(name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load module %s: %w", module, err)
	}
	return t, nil
}

// modulePath reads the module line of go.mod.
func modulePath(fsys fs.FS) (string, error) {
	data, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return "", fmt.Errorf("read module path: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if module, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(module), nil
		}
	}
	return "", errors.New("read module path: go.mod has no module line")
}

// enter says whether the walk goes into a directory.
func (t *Tree) enter(dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || ignored(base) {
		return fs.SkipDir
	}
	if _, err := fs.Stat(t.FS, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// ignored is the go command's own rule for names it does not look at.
func ignored(base string) bool {
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}

func (t *Tree) parse(name string) error {
	source, err := fs.ReadFile(t.FS, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(t.Fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if !ast.IsGenerated(syntax) && !bytes.HasPrefix(source, []byte("//go:build ignore\n")) {
		t.add(&File{Path: name, Syntax: syntax})
	}
	return nil
}

func (t *Tree) add(file *File) {
	dir := path.Dir(file.Path)
	p := t.Packages[dir]
	if p == nil {
		p = &Package{Dir: dir}
		t.Packages[dir] = p
	}
	if strings.HasSuffix(file.Path, "_test.go") {
		p.Tests = append(p.Tests, file)
	} else {
		p.Files = append(p.Files, file)
	}
	p.Name = strings.TrimSuffix(file.Syntax.Name.Name, "_test")
}

// All returns the packages in the order of their directories.
func (t *Tree) All() []*Package {
	var all []*Package
	for _, dir := range slices.Sorted(maps.Keys(t.Packages)) {
		all = append(all, t.Packages[dir])
	}
	return all
}

// WithCode returns the packages that have code besides tests, in order.
func (t *Tree) WithCode() []*Package {
	return slices.DeleteFunc(t.All(), func(p *Package) bool { return len(p.Files) == 0 })
}

// Local turns an import path into a directory of this module.
func (t *Tree) Local(importPath string) (dir string, ok bool) {
	if importPath == t.Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, t.Module+"/")
}

// Finding formats what a rule found: "file:line: what is wrong; what to do".
func (t *Tree) Finding(pos token.Pos, format string, args ...any) string {
	at := t.Fset.Position(pos)
	return fmt.Sprintf("%s:%d: %s", at.Filename, at.Line, fmt.Sprintf(format, args...))
}

// Receiver returns the name of the type a method belongs to.
func Receiver(d *ast.FuncDecl) string {
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}
