package goroutines_test

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/internal/goroutines"
)

// spin computes until it is told not to.
func spin(stop *atomic.Bool) {
	for !stop.Load() {
	}
}

func wait(stop <-chan struct{}) { <-stop }

// of returns the stack of a function, or "".
func of(name string) (stack string) {
	goroutines.Each(func(s string) {
		if strings.Contains(s, "goroutines_test."+name+"+0x") {
			stack = s
		}
	})
	return stack
}

// eventually waits for a condition, and not for ever: what spins here is in the way
// of everybody else.
func eventually(t *testing.T, wrong string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !condition(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal(wrong)
		}
	}
}

// TestCompute has one goroutine compute and two wait.
func TestCompute(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0))))
	var over atomic.Bool
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { spin(&over) })
	for range 2 { // whose stacks are equal
		all.Go(func() { wait(stop) })
	}
	defer all.Wait()
	defer close(stop)
	defer over.Store(true)
	eventually(t, "they do not start", func() bool {
		return of("spin") != "" && strings.HasPrefix(of("wait"), "2 @ ") && !goroutines.Compute(of("wait"))
	})
	before := goroutines.CPUTime()
	for stack, want := range map[string]bool{
		of("spin"): true, of("wait"): false, of("TestCompute"): false, // which asks
		"": false, "1 @": false, "1 @ nowhere": false, "1 @ 0x1": false,
	} {
		if goroutines.Compute(stack) != want {
			t.Errorf("computes: %v, want %v:\n%s", !want, want, stack)
		}
	}
	eventually(t, "no time is counted", func() bool {
		return runtime.GOOS == "windows" || goroutines.CPUTime() >= before+time.Millisecond
	})
}

// deep has a stack of its own depth.
func deep(n int, stop <-chan struct{}) {
	if n == 0 {
		<-stop
		return
	}
	deep(n-1, stop)
}

func TestTextIsBounded(t *testing.T) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(stop)
	for n := range 20 {
		all.Go(func() { deep(n, stop) })
	}
	isDeep := func(stack string) bool { return strings.Contains(stack, "goroutines_test.deep") }
	eventually(t, "they do not start", func() bool { return len(goroutines.Text(isDeep)) >= 4<<10 })
	if text := goroutines.Text(isDeep); len(text) > 4<<10+len("…") || !strings.HasSuffix(text, "…") || !strings.Contains(text, "\n\n") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	if text := goroutines.Text(func(string) bool { return false }); text != "" {
		t.Errorf("of none there is %q", text)
	}
}
