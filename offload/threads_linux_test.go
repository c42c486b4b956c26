package offload_test

import (
	"context"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/support-go/support/offload"
)

// threads counts those that the process has.
func threads(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestThreadsAreBounded asks for a thousand reads that block in the kernel.
func TestThreadsAreBounded(t *testing.T) {
	const asked, size = 1000, 8
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	before := threads(t)
	pool := &offload.Pool{Name: "reads", Size: size, Limits: offload.Limits{Queue: asked, Wait: -1}}
	began := make(chan struct{}, asked)
	var all sync.WaitGroup
	for range asked {
		all.Go(func() {
			n, err := offload.Do(t.Context(), pool, func(context.Context) (int, error) {
				began <- struct{}{}
				return syscall.Read(ends[0], make([]byte, 1))
			})
			if n != 0 || err != nil {
				t.Errorf("read returned %d, %v; want 0, nil at the end of the pipe", n, err)
			}
		})
	}
	for range size {
		<-began
	}
	const runtimes = 8 // a few that the runtime needs beside them
	if got := threads(t) - before; got > size+runtimes {
		t.Errorf("%d more threads for %d lanes", got, size)
	}
	if err := syscall.Close(ends[1]); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if err := syscall.Close(ends[0]); err != nil {
		t.Fatal(err)
	}
}

func TestLanesKeepTheirThread(t *testing.T) {
	threadIDs := func(_ context.Context, built int) ([2]int, error) { return [2]int{built, syscall.Gettid()}, nil }
	var discarded int
	lanes := &offload.Lanes[int]{
		Size: 1, Thread: true,
		Build:   func(context.Context) (int, error) { return syscall.Gettid(), nil },
		Discard: func(int) { discarded = syscall.Gettid() },
	}
	var seen int
	for range 100 {
		ids, err := offload.On(t.Context(), lanes, threadIDs)
		if err != nil {
			t.Fatal(err)
		}
		if ids[0] != ids[1] || seen != 0 && ids[1] != seen {
			t.Fatalf("built on thread %d, before on %d, now on %d", ids[0], seen, ids[1])
		}
		seen = ids[1]
	}
	if err := lanes.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if discarded != seen {
		t.Errorf("discarded on thread %d, want %d", discarded, seen)
	}
}
