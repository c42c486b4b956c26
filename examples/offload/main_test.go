package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOffload runs the program for a moment. What it shows depends on the
// machine; that it shows a figure for each way does not.
func TestOffload(t *testing.T) {
	program := filepath.Join(t.TempDir(), "offload")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "-for", "300ms")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"none", "where they are", "in the lane CPU", "in a helper process"} {
		if line := lineWith(string(out), want); strings.Count(line, "s") < 2 { // two durations
			t.Errorf("no figures for %q:\n%s", want, out)
		}
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, part) {
			return line
		}
	}
	return ""
}
