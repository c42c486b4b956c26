package rules

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/support-go/support/internal/source"
)

// State finds what makes a program behave by import instead of by call: init
// functions and package variables that can change. A package variable is fine
// if its value is settled where it is declared (see settled) and nothing in
// the module, tests included, assigns to it, to a part of it or to what it
// points to, takes its address, or calls a method with a pointer receiver on
// it. Variables of tests are their own affair.
//
// The map allow excuses names such as "prefork.init" or, where an address is
// taken only to read, "stats.table", each with the reason; an excuse that
// nothing needs is a finding too.
func State(t *source.Tree, allow map[string]string) []string {
	s := &stateRule{tree: t, names: source.NewNames(t), declared: map[string]token.Pos{}, found: map[string]string{}}
	for _, p := range t.All() {
		for _, f := range p.Files {
			s.declarations(p, f)
		}
	}
	for _, p := range t.All() {
		for _, unit := range s.names.Units(p) {
			s.changes(unit)
		}
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(s.found)) {
		if allow[name] == "" {
			found = append(found, s.found[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(allow)) {
		if s.found[name] == "" {
			found = append(found, "the excuse for "+name+" is not needed; delete it")
		}
	}
	return found
}

type stateRule struct {
	tree     *source.Tree
	names    *source.Names
	declared map[string]token.Pos // package variables by qualified name
	found    map[string]string    // first finding for each name
}

func (s *stateRule) report(name string, pos token.Pos, format string, args ...any) {
	if s.found[name] == "" {
		s.found[name] = s.tree.Finding(pos, format, args...)
	}
}

// declarations notes a file's package variables and reports its init
// functions and the variables that begin unsettled.
func (s *stateRule) declarations(p *source.Package, f *source.File) {
	for _, decl := range f.Syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				s.report(qualified(p.Dir, "init"), d.Pos(), "no func init: importing a package must do nothing; let the caller ask for it")
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				s.variables(p, d)
			}
		}
	}
}

func (s *stateRule) variables(p *source.Package, d *ast.GenDecl) {
	info := s.names.Code(p).Info
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		for _, id := range v.Names {
			if id.Name == "_" {
				continue
			}
			name := qualified(p.Dir, id.Name)
			s.declared[name] = id.Pos()
			if !embedded(d, v) && !settled(info, v.Values) {
				s.report(name, id.Pos(), "package variable %s can change; make it a field of what uses it, or a constant", id.Name)
			}
		}
	}
}

// embedded says whether the linker fills a variable, by a go:embed directive.
func embedded(d *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, group := range []*ast.CommentGroup{d.Doc, v.Doc} {
		if group != nil && slices.ContainsFunc(group.List, func(c *ast.Comment) bool {
			return strings.HasPrefix(c.Text, "//go:embed ")
		}) {
			return true
		}
	}
	return false
}

// changes reports the package variables that a unit's code changes.
func (s *stateRule) changes(u *source.Unit) {
	for _, f := range u.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			for _, expr := range changed(u.Info, n) {
				name := s.variable(u, expr)
				if _, ok := s.declared[name]; ok {
					s.report(name, n.Pos(), "package variable %s is changed here, or its address taken; make it a field of what uses it", name)
				}
			}
			return true
		})
	}
}

// changed returns the expressions whose value a node may change.
func changed(info *types.Info, n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && info.Uses[id] == types.Universe.Lookup(id.Name) {
			switch id.Name {
			case "clear", "copy", "delete":
				return n.Args[:1]
			}
		}
	case *ast.SelectorExpr:
		if takesAddress(info.Selections[n]) {
			return []ast.Expr{n.X}
		}
	}
	return nil
}

// takesAddress says whether a selection is a method with a pointer receiver on
// a value, which Go calls with the address of that value.
func takesAddress(sel *types.Selection) bool {
	if sel == nil || sel.Kind() != types.MethodVal {
		return false
	}
	_, pointer := sel.Obj().Type().(*types.Signature).Recv().Type().(*types.Pointer)
	_, already := sel.Recv().(*types.Pointer)
	return pointer && !already
}

// variable returns the qualified name of the package variable that expr is, or
// is a part of; "" if it is something else.
func (s *stateRule) variable(u *source.Unit, expr ast.Expr) string {
	for {
		switch e := expr.(type) {
		case *ast.ParenExpr:
			expr = e.X
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.SelectorExpr:
			if id, ok := e.X.(*ast.Ident); ok {
				if imported, ok := u.Info.Uses[id].(*types.PkgName); ok {
					dir, ours := s.tree.Local(imported.Imported().Path())
					if !ours {
						return ""
					}
					return qualified(dir, e.Sel.Name)
				}
			}
			expr = e.X
		case *ast.Ident:
			if v, ok := u.Info.Uses[e].(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				return qualified(u.Dir, e.Name)
			}
			return ""
		default:
			return ""
		}
	}
}

// qualified is "netbuf/resp.name", or only the name in the root package.
func qualified(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "." + name
}
