package sink_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/logs/sink"
)

func open(t *testing.T, r sink.Rotation) (*sink.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hello.log")
	f, err := sink.Open(path, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFileRotates(t *testing.T) {
	f, path := open(t, sink.Rotation{Bytes: 100, Keep: 3})
	var batch strings.Builder
	for i := range 100 {
		fmt.Fprintf(&batch, "line %03d\n", i)
	}
	for i := range 3 {
		if n, err := f.Write([]byte(batch.String())); err != nil || n != batch.Len() {
			t.Fatalf("batch %d: %d of %d bytes, %v", i, n, batch.Len(), err)
		}
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 4 { // sorted, the present one first
		t.Fatalf("%v, %v", files, err)
	}
	whole := ""
	for _, file := range append(files[1:], files[0]) {
		text := read(t, file)
		if len(text) > 100 || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s has %d bytes", file, len(text))
		}
		whole += text
	}
	if !strings.HasSuffix(batch.String(), whole) || len(whole) < 300 {
		t.Errorf("what is kept does not join: %q", whole)
	}
}

func TestFileLongLine(t *testing.T) {
	f, path := open(t, sink.Rotation{Bytes: 10, Keep: 9})
	if n, err := fmt.Fprint(f, "a\n"+strings.Repeat("x", 50)+"\nb\n", strings.Repeat("y", 50)); err != nil || n != 105 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if files, _ := filepath.Glob(path + "*"); len(files) != 4 {
		t.Errorf("%v", files)
	}
}

func TestFileAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, path := open(t, sink.Rotation{Age: time.Hour})
		fmt.Fprintln(f, "old")
		time.Sleep(2 * time.Hour)
		fmt.Fprintln(f, "new")
		if got := read(t, path); got != "new\n" {
			t.Errorf("the file has %q", got)
		}
	})
}

func TestFileMoved(t *testing.T) {
	for name, move := range map[string]func(path string) error{
		"moved":   func(path string) error { return os.Rename(path, path+".1") },
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, path := open(t, sink.Rotation{})
				fmt.Fprintln(f, "old")
				if err := move(path); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				fmt.Fprintln(f, "new")
				if got := read(t, path); got != "new\n" {
					t.Errorf("the file has %q", got)
				}
			})
		})
	}
}

func TestFileReopens(t *testing.T) {
	f, path := open(t, sink.Rotation{})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, "new")
	if got := read(t, path); got != "new\n" {
		t.Errorf("the file has %q", got)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Write([]byte("x\n")); err == nil {
		t.Error("a closed file takes lines")
	}
}

func TestFileCannotBeOpened(t *testing.T) {
	if _, err := sink.Open(filepath.Join(t.TempDir(), "no", "such", "dir"), sink.Rotation{}); err == nil || !strings.Contains(err.Error(), "no such") {
		t.Errorf("%v", err)
	}
}

func TestFileOutlivesItsDirectory(t *testing.T) {
	f, path := open(t, sink.Rotation{Bytes: 20})
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := fmt.Fprintln(f, "line"); err != nil {
			t.Fatal(err) // it goes on in the file that nobody sees, rather than fail
		}
	}
}

func ExampleFile() {
	dir, err := os.MkdirTemp("", "logs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f, err := sink.Open(filepath.Join(dir, "hello.log"), sink.Rotation{Bytes: 12, Keep: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(f, "first\nsecond\nthird\n")
	fmt.Println(f.Close())
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	fmt.Println(len(files), "files")
	// Output:
	// <nil>
	// 2 files
}
