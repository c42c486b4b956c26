package rules

import (
	"go/ast"
	"go/token"
	"strings"

	"github.com/support-go/support/internal/source"
)

// Docs checks that every package has a comment that begins "Package x", or for
// a program any comment, and that every exported name has one that begins with
// the name. A group of constants or variables may be explained once above the
// group; methods count if their type is exported.
func Docs(t *source.Tree) []string {
	var found []string
	for _, p := range t.WithCode() {
		found = append(found, packageComment(t, p)...)
		for _, f := range p.Files {
			for _, decl := range f.Syntax.Decls {
				found = append(found, comments(t, decl)...)
			}
		}
	}
	return found
}

func packageComment(t *source.Tree, p *source.Package) []string {
	begin := "Package " + p.Name + " "
	if p.Name == "main" {
		begin = ""
	}
	var found []string
	documented := false
	for _, f := range p.Files {
		if f.Syntax.Doc == nil {
			continue
		}
		documented = true
		if !strings.HasPrefix(f.Syntax.Doc.Text(), begin) {
			found = append(found, t.Finding(f.Syntax.Package, "the package comment must begin %q", begin))
		}
	}
	if !documented {
		found = append(found, t.Finding(p.Files[0].Syntax.Package, "package %s has no comment; say in one sentence what it is for", p.Name))
	}
	return found
}

func comments(t *source.Tree, decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(source.Receiver(d)) {
			return comment(t, d.Name, d.Doc)
		}
	case *ast.GenDecl:
		var found []string
		for _, spec := range d.Specs {
			found = append(found, specComments(t, d, spec)...)
		}
		return found
	}
	return nil
}

func specComments(t *source.Tree, d *ast.GenDecl, spec ast.Spec) []string {
	grouped := d.Lparen.IsValid()
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if grouped {
			return comment(t, s.Name, s.Doc)
		}
		return comment(t, s.Name, d.Doc)
	case *ast.ValueSpec:
		switch {
		case grouped && d.Doc != nil:
			return nil
		case grouped:
			return comment(t, s.Names[0], s.Doc)
		default:
			return comment(t, s.Names[0], d.Doc)
		}
	}
	return nil
}

// comment reports an exported name whose comment is missing or begins with
// something else.
func comment(t *source.Tree, name *ast.Ident, comment *ast.CommentGroup) []string {
	if !name.IsExported() {
		return nil
	}
	rest, ok := strings.CutPrefix(comment.Text(), name.Name)
	if ok && rest != "" && !token.IsIdentifier(rest[:1]) {
		return nil
	}
	return []string{t.Finding(name.Pos(), "%s is exported; give it a comment that begins %q", name.Name, name.Name+" ")}
}
