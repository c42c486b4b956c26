package support_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/prefork"
)

// TestDelayIsPaidOnce stops a group whose page is a process of its own, which
// has no reason to wait once the workers have gone.
func TestDelayIsPaidOnce(t *testing.T) {
	const delay = 2 * time.Second
	group := support.New("delayed")
	group.Workers = 1
	group.Drain.Delay = delay
	group.HTTP("127.0.0.1:0", http.NotFoundHandler())
	group.Meta("127.0.0.1:0")
	group.Args = []string{os.Args[0], "-test.run=^TestDelayIsPaidOnce$"}
	if prefork.IsChild() {
		if group.Run(context.Background()) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would have each process wait
	group.Dir = t.TempDir()
	if err := os.Chmod(group.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- group.Run(ctx) }()
	select {
	case <-group.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	stop()
	began := time.Now()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < delay || took >= 2*delay {
		t.Errorf("stopped after %v; want one delay of %v", took, delay)
	}
}
