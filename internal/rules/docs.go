package rules

import (
	"go/ast"
	"go/token"
	"strings"
)

// Docs checks that every package has a comment that begins "Package x", or for
// a program any comment, and that every exported name has one that begins with
// the name. A group of constants or variables may be explained once above the
// group; methods count if their type is exported.
func Docs(t *Tree) []string {
	var found []string
	for _, p := range t.libraries() {
		found = append(found, t.packageComment(p)...)
		for _, f := range p.Files {
			for _, decl := range f.Syntax.Decls {
				found = append(found, t.comments(decl)...)
			}
		}
	}
	return found
}

func (t *Tree) packageComment(p *Package) []string {
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
			found = append(found, t.finding(f.Syntax.Package, "the package comment must begin %q", begin))
		}
	}
	if !documented {
		found = append(found, t.finding(p.Files[0].Syntax.Package, "package %s has no comment; say in one sentence what it is for", p.Name))
	}
	return found
}

func (t *Tree) comments(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(receiver(d)) {
			return t.comment(d.Name, d.Doc)
		}
	case *ast.GenDecl:
		var found []string
		for _, spec := range d.Specs {
			found = append(found, t.specComments(d, spec)...)
		}
		return found
	}
	return nil
}

func (t *Tree) specComments(d *ast.GenDecl, spec ast.Spec) []string {
	grouped := d.Lparen.IsValid()
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if grouped {
			return t.comment(s.Name, s.Doc)
		}
		return t.comment(s.Name, d.Doc)
	case *ast.ValueSpec:
		switch {
		case grouped && d.Doc != nil:
			return nil
		case grouped:
			return t.comment(s.Names[0], s.Doc)
		default:
			return t.comment(s.Names[0], d.Doc)
		}
	}
	return nil
}

// comment reports an exported name whose comment is missing or begins with
// something else.
func (t *Tree) comment(name *ast.Ident, comment *ast.CommentGroup) []string {
	if !name.IsExported() {
		return nil
	}
	rest, ok := strings.CutPrefix(comment.Text(), name.Name)
	if ok && rest != "" && !token.IsIdentifier(rest[:1]) {
		return nil
	}
	return []string{t.finding(name.Pos(), "%s is exported; give it a comment that begins %q", name.Name, name.Name+" ")}
}

// receiver returns the name of the type a method belongs to.
func receiver(d *ast.FuncDecl) string {
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
