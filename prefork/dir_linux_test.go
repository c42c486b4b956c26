package prefork_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestBadDirectory: whatever is wrong with it, the group serves, and says once
// why nobody can ask it.
func TestBadDirectory(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(t *testing.T, p *program) error
		says    string
	}{
		"open to others": {func(_ *testing.T, p *program) error { return os.MkdirAll(p.Dir, 0o755) }, "is open to others"},
		"a file":         {func(_ *testing.T, p *program) error { return os.WriteFile(p.Dir, nil, 0o600) }, "not a directory"},
		"a link": {func(_ *testing.T, p *program) error {
			return errors.Join(os.Mkdir(p.Dir+".real", 0o700), os.Symlink(p.Dir+".real", p.Dir))
		}, "is not a directory"},
		"another's": {func(t *testing.T, p *program) error {
			if os.Geteuid() != 0 {
				t.Skip("needs root to give a directory away")
			}
			return errors.Join(os.Mkdir(p.Dir, 0o700), os.Chown(p.Dir, 12345, 12345))
		}, "belongs to another user"},
		"below another's": {func(t *testing.T, p *program) error {
			if os.Geteuid() != 0 {
				t.Skip("needs root to give a directory away")
			}
			p.Dir = filepath.Join(p.Dir, "below")
			return errors.Join(os.MkdirAll(p.Dir, 0o700), os.Chown(filepath.Dir(p.Dir), 12345, 12345))
		}, "can be replaced"},
		"too long": {func(_ *testing.T, p *program) error {
			p.Dir = filepath.Join(p.Dir, strings.Repeat("x", 82-len(p.Dir)-1))
			return nil
		}, "want at most 81"},
		"full": {func(t *testing.T, p *program) error { return mount(t, p.Dir, 0, "nr_inodes=1") }, "no space left"},
		"read-only": {func(t *testing.T, p *program) error {
			return mount(t, p.Dir, syscall.MS_RDONLY, "")
		}, "read-only"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			if err := tt.prepare(t, p); err != nil {
				t.Fatal(err)
			}
			p.start()
			until(t, "it serves", func() error { _, err := p.ask("pid"); return err })
			until(t, "it says why", func() error {
				if n := strings.Count(p.log.String(), "serving goes on without"); n != 1 || !strings.Contains(p.log.String(), tt.says) {
					return fmt.Errorf("said %d times, want once, with %q", n, tt.says)
				}
				return nil
			})
			p.stop()
		})
	}
}

// mount puts an empty file system of one kind or another in place.
func mount(t *testing.T, dir string, flags uintptr, options string) error {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if options != "" {
		options = "," + options
	}
	if err := syscall.Mount("none", dir, "tmpfs", flags, "mode=0700"+options); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return nil
}

// TestTakenDirectory: the second of two in one directory is told which process
// is the first.
func TestTakenDirectory(t *testing.T) {
	t.Parallel()
	first := newProgram(t)
	first.serve()
	second := newProgram(t)
	second.Dir = first.Dir
	second.start()
	if err := second.exits(); exitCode(err) != 1 {
		t.Errorf("the second ended with %v, want exit code 1", err)
	}
	want := fmt.Sprintf("already running as process %d, in %s", first.cmd.Process.Pid, first.Dir)
	if log := second.log.String(); !strings.Contains(log, want) {
		t.Errorf("the second said %q, want %q", log, want)
	}
	first.must("pid")
	first.stop()
	files, err := os.ReadDir(first.Dir)
	files = slices.DeleteFunc(files, func(e fs.DirEntry) bool { return e.Name() == "lock" })
	if err != nil || len(files) > 0 {
		t.Errorf("left in the directory: %v, %v", files, err)
	}
}
