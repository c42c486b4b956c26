// Package supporttest runs a whole group in a test.
//
//	group := support.New("shop")
//	server := group.HTTP("127.0.0.1:0", handler)
//	supporttest.Start(t, group)
//	resp, err := http.Get("http://" + server.Addr().String())
//
// A group with workers works as well: each worker is this test program,
// started again to run the same test as far as Start, and no further.
package supporttest

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/prefork"
)

// startTimeout is how long a group may take until it is ready, however slow
// the machine.
const startTimeout = time.Minute

// lameDuck is the default here. In a test, nobody will come back over a
// connection that is idle, and http.DefaultTransport keeps them for long.
const lameDuck = 50 * time.Millisecond

// Start runs the group until the test ends, and returns when it is ready. The
// test fails if the group does not get ready, or does not stop in good order.
// Use port 0, so that tests can run at the same time. Drain.LameDuck is 50 ms
// unless the group sets it.
//
// Of a group with workers, everything that the test does before Start happens
// in each worker too; the test must be one that "go test -run" can select, and
// Start must be called from its own goroutine. Unless the group has a Dir, it
// gets a temporary one.
func Start(t testing.TB, group *support.Group) {
	t.Helper()
	if group.Drain.LameDuck == 0 {
		group.Drain.LameDuck = lameDuck
	}
	if prefork.IsChild() {
		os.Exit(serveAsChild(group))
	}
	if group.Workers > 0 {
		if group.Args == nil {
			group.Args = rerun(t.Name())
		}
	}
	if group.Dir == "" {
		group.Dir = shortDir(t)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- group.Run(ctx) }()
	select {
	case <-group.Ready():
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("group %s: %v", group.Name, err)
			}
		})
	case err := <-ended:
		stop()
		t.Fatalf("group %s did not start: %v", group.Name, err)
	case <-time.After(startTimeout):
		stop()
		group.Kill()
		t.Fatalf("group %s was not ready after %v: %v", group.Name, startTimeout, <-ended)
	}
}

// serveAsChild runs the group in a process that a supervisor has started, and
// returns its exit code.
func serveAsChild(group *support.Group) int {
	if err := group.Run(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "group %s: %v\n", group.Name, err)
		return 1
	}
	return 0
}

// rerun is the command line by which this program runs one test again, and
// nothing that could disturb the run that it is part of, such as writing a
// coverage profile.
func rerun(test string) []string {
	var patterns []string
	for name := range strings.SplitSeq(test, "/") {
		patterns = append(patterns, "^"+regexp.QuoteMeta(name)+"$")
	}
	return []string{os.Args[0], "-test.run=" + strings.Join(patterns, "/"), "-test.timeout=0", "-test.count=1"}
}

// shortDir is a temporary directory whose path leaves room for the name of a
// socket; that of t.TempDir may not.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "group") //nolint:usetesting // its path is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
