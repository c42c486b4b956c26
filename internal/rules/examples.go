package rules

import (
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"path"

	"github.com/support-go/support/internal/source"
)

// Examples checks that every program under examples is also run: there is a Go
// test beside it or a script in its testdata.
func Examples(t *source.Tree) []string {
	var found []string
	for _, p := range t.WithCode() {
		if !matches("examples/...", p.Dir) || len(p.Tests) > 0 {
			continue
		}
		scripts, err := fs.Glob(t.FS, path.Join(p.Dir, "testdata/*.txtar"))
		if err != nil {
			return []string{err.Error()}
		}
		if len(scripts) == 0 {
			found = append(found, fmt.Sprintf("%s: nothing runs this example; add a test, or a script in its testdata", p.Dir))
		}
	}
	return found
}

// BuildExamples compiles and links every program under examples of the module
// in the directory root. Its answer is not in the key of the test cache, but
// the files that Load opens in the same test are.
func BuildExamples(ctx context.Context, root string) error {
	build := exec.CommandContext(ctx, "go", "build", "./examples/...")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build ./examples/...: %w\n%s", err, out)
	}
	return nil
}
