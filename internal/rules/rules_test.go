package rules_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/support-go/support/internal/rules"
	"github.com/support-go/support/internal/source"
)

const root = "../.."

var update = flag.Bool("update", false, "rewrite the files in api to match the code")

// excused are the init functions and package variables that may be, each with
// its reason. Keep it empty if you can.
func excused() map[string]string {
	return map[string]string{}
}

func TestModule(t *testing.T) {
	tree := load(t, os.DirFS(root))
	if *update {
		writeSnapshots(t, tree)
	}
	all := map[string]func(*source.Tree) []string{
		"imports":  rules.Imports,
		"modules":  rules.Modules,
		"docs":     rules.Docs,
		"sleeps":   rules.Sleeps,
		"state":    func(tree *source.Tree) []string { return rules.State(tree, excused()) },
		"api":      rules.API,
		"examples": rules.Examples,
	}
	for name, rule := range all {
		t.Run(name, func(t *testing.T) {
			for _, finding := range rule(tree) {
				t.Error(finding)
			}
		})
	}
	for _, large := range rules.Sizes(tree) {
		t.Log(large)
	}
}

func TestExamplesBuild(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "examples")); err != nil {
		return // nothing to build yet, and Examples sees what comes
	}
	if err := rules.BuildExamples(t.Context(), root); err != nil {
		t.Error(err)
	}
}

func writeSnapshots(t *testing.T, tree *source.Tree) {
	t.Helper()
	files, err := rules.Snapshots(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(root, "api")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func load(t *testing.T, fsys fs.FS) *source.Tree {
	t.Helper()
	tree, err := source.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// files is a module in memory, called example.org/m.
type files map[string]string

func (f files) load(t *testing.T) *source.Tree {
	t.Helper()
	fsys := fstest.MapFS{"go.mod": {Data: []byte("module example.org/m\n")}}
	for name, text := range f {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return load(t, fsys)
}

// ruleTest is a module and what a rule must find in it, in order: a part of
// each line.
type ruleTest struct {
	files files
	want  []string
}

func testRule(t *testing.T, rule func(*source.Tree) []string, tests map[string]ruleTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := rule(test.files.load(t))
			if !slices.EqualFunc(got, test.want, strings.Contains) {
				t.Errorf("found:\n\t%s\nwant lines with:\n\t%s", strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
			}
		})
	}
}
