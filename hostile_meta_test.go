//go:build unix

package support_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/supporttest"
)

// TestLinesOfLogCannotMark: what is in a line of log is text, in its message, its
// keys and its values.
func TestLinesOfLogCannotMark(t *testing.T) {
	group, _, page := shown(0)
	for _, line := range []string{
		`2026-11-22 03:04:05.000 INFO  <script>alert(1)</script>  key="<img src=x onerror=alert(1)>"`,
		"2026-11-22 03:04:05.000 ERROR \x1b[31m\u202eevil</td><b>bold</b>  <i>=1",
		`</table><svg onload=alert(1)> not a line at all`,
	} {
		_, _ = fmt.Fprintln(&group.Recent, line) // a ring takes whatever it is given
	}
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	got := get(t, base+"/log")
	for _, bad := range []string{"<script>alert", "<img", "<svg onload", "<b>bold", "<i>", "\x1b", "\u202e"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page of the log has %q", bad)
		}
	}
	if !strings.Contains(got, "alert(1)") || !strings.Contains(get(t, base+"/log.json"), "alert(1)") {
		t.Errorf("the lines are not on the page:\n%s", got)
	}
}

// stuckAt is a file by which the test tells one worker to answer nothing, and by
// whose end that worker tells that it was asked.
func stuckAt(pid string) string { return filepath.Join(os.TempDir(), "stuck."+pid) }

// TestWorkerKilledWhileAsked: the page says which one has not answered, and shows
// the others.
func TestWorkerKilledWhileAsked(t *testing.T) {
	group, _, page := shown(2)
	group.Page("stuck", "Stuck", func(ctx context.Context) (any, error) {
		pid := strconv.Itoa(os.Getpid())
		if os.Remove(stuckAt(pid)) == nil {
			<-ctx.Done()
		}
		return []data.Field{{Name: "answered", Merge: data.Sum, Cell: data.Cell{Value: 1}}}, nil
	})
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	eventually(t, "not both workers answer", func() bool { return strings.Contains(get(t, base+"/stuck.json"), `"value": 2`) })
	first := strings.Trim(pidOf(get(t, base+"/pids.json?worker=w1")), `"`)
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stuckAt(first), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	answer := make(chan string, 1)
	go func() { answer <- get(t, base+"/stuck.json") }()
	eventually(t, "the worker is not asked", func() bool {
		_, err := os.Stat(stuckAt(first))
		return os.IsNotExist(err)
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	got := <-answer
	for _, want := range []string{`"text": "1 of 2"`, "w1 did not answer", `"value": 1`} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %s: %s", want, got)
		}
	}
	eventually(t, "the worker is not replaced", func() bool { return strings.Contains(get(t, base+"/stuck.json"), `"value": 2`) })
}
