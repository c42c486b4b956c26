package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/support-go/support/internal/rules"
)

func TestExamples(t *testing.T) {
	testRule(t, rules.Examples, map[string]ruleTest{
		"with a test":        {files{"examples/a/a.go": "package main", "examples/a/a_test.go": "package main"}, nil},
		"with a script":      {files{"examples/a/a.go": "package main", "examples/a/testdata/a.txtar": ""}, nil},
		"something else":     {files{"cmd/a/a.go": "package main"}, nil},
		"nothing runs it":    {files{"examples/a/a.go": "package main"}, []string{"examples/a: nothing runs this example"}},
		"not even deep down": {files{"examples/a/b/b.go": "package main"}, []string{"examples/a/b: nothing runs"}},
	})
}

func TestBuildExamples(t *testing.T) {
	tests := map[string]struct{ source, want string }{
		"good":          {"package main\n\nfunc main() {}\n", ""},
		"does not link": {"package main\n", "function main is undeclared"},
		"type error":    {"package main\n\nfunc main() { undefined() }\n", "undefined: undefined"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), "module example.org/m\n")
			write(t, filepath.Join(dir, "examples/a/a.go"), test.source)
			err := rules.BuildExamples(t.Context(), dir)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
