package meta_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	code "github.com/support-go/support/internal/source"
)

// TestM4NothingComparesSecretsInAHurry reads the code: what is compared with a
// token, a hash of one or a field of a form is compared in constant time.
func TestM4NothingComparesSecretsInAHurry(t *testing.T) {
	secret := regexp.MustCompile(`(?i)token|secret|hash|csrf`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	seen := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			text := ""
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.EQL || n.Op == token.NEQ {
					text = written(fset, n)
				}
			case *ast.CallExpr:
				if f := written(fset, n.Fun); f == "bytes.Equal" || f == "strings.EqualFold" || f == "strings.Compare" || f == "slices.Equal" || f == "slices.Contains" {
					text = written(fset, n)
				}
			}
			if !secret.MatchString(text) {
				return true
			}
			seen++
			if !strings.Contains(text, "subtle.ConstantTimeCompare") && !strings.HasPrefix(text, "len(") && !harmless(text) {
				t.Errorf("%s: %s: compare it by crypto/subtle or hmac.Equal", fset.Position(n.Pos()), text)
			}
			return true
		})
	}
	if seen == 0 {
		t.Error("no comparison was found, not even the one of tokens: the test reads the wrong code")
	}
}

// harmless are comparisons of names that only sound like secrets.
func harmless(text string) bool {
	return text == `name != "csrf"` || text == `name != "csrf" && name != "from"` || text == "old == hash" // of a part of a page
}

func written(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, fset, n); err != nil {
		return err.Error()
	}
	return b.String()
}

// TestM9NothingIsEvaluated: no interpreter, no plugin and no loading of code is
// in any package of the module; expressions have their own language, in a
// package that must be imported by choice.
func TestM9NothingIsEvaluated(t *testing.T) {
	tree, err := code.Load(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	languages := 0
	for _, p := range tree.WithCode() {
		for _, f := range p.Files {
			for _, spec := range f.Syntax.Imports {
				path := strings.Trim(spec.Path.Value, `"`)
				for _, bad := range []string{"plugin", "yaegi", "goja", "gopher-lua", "starlark", "otto", "tengo", "cel-go"} {
					if path == bad || strings.Contains(path, "/"+bad) {
						t.Errorf("%s imports %s", f.Path, path)
					}
				}
				if strings.HasPrefix(path, "github.com/expr-lang/expr") {
					languages++
					if p.Dir != "meta/console" {
						t.Errorf("%s imports %s: expressions belong into meta/console", f.Path, path)
					}
				}
			}
		}
	}
	if languages == 0 {
		t.Error("not even meta/console imports a language: the test reads the wrong code")
	}
}
