package inspect_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/support-go/support/internal/inspect"
)

func TestServeAnswersItsOwnUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stop := serve(t, path, "one")
	if got, want := ask(t, path), fmt.Sprintf("one to %d", os.Getpid()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode is %v, %v; want srw-------", info.Mode(), err)
	}
	stop()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestASuccessorTakesThePlace has a second server take the path over while the
// first one still runs, whose end must not take the second one's socket away.
func TestASuccessorTakesThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stopOne := serve(t, path, "one")
	stopTwo := serve(t, path, "two")
	stopOne()
	if got, want := ask(t, path), fmt.Sprintf("two to %d", os.Getpid()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	stopTwo()
}

// serve returns when the server answers; stop when it has ended.
func serve(t *testing.T, path, name string) (stop func()) {
	t.Helper()
	before, _ := os.Lstat(path)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- inspect.Serve(ctx, path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "%s to %d", name, inspect.Peer(r.Context()))
		}))
	}()
	for {
		now, err := os.Lstat(path)
		if err == nil && (before == nil || !os.SameFile(before, now)) {
			break
		}
		select {
		case err := <-done:
			t.Fatal(err)
		default:
		}
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func ask(t *testing.T, path string) string {
	t.Helper()
	client := inspect.Client(path)
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://worker/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
