package requests_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/requests"
)

// compute keeps a processor until ctx ends.
func compute(ctx context.Context) {
	n := 0
	for ctx.Err() == nil {
		for i := range 100_000 {
			n += i
		}
	}
}

// spins runs requests with a handler until the watch reports one, or the time is
// over.
func spins(t *testing.T, enough time.Duration, handle func(ctx context.Context)) (spin requests.Spin, found bool) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	rec := requests.New(requests.Config{Server: "here"}, nil)
	mux := http.NewServeMux()
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	mux.HandleFunc("/heavy", func(http.ResponseWriter, *http.Request) { handle(ctx) })
	reports := make(chan requests.Spin, 1)
	var all sync.WaitGroup
	all.Go(func() {
		requests.SpinWatch{
			Recorders: func() []*requests.Recorder { return []*requests.Recorder{rec} },
			Report:    func(s requests.Spin) { reports <- s },
		}.Run(ctx)
	})
	handler := rec.Handler(mux)
	all.Go(func() {
		for ctx.Err() == nil {
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/heavy", nil))
		}
	})
	defer all.Wait()
	select {
	case spin = <-reports:
		cancel()
		return spin, true
	case <-ctx.Done():
		return spin, false
	}
}

// TestSpinIsFound has one handler compute on one of two processors: nobody waits
// for the other, and yet it is told.
func TestSpinIsFound(t *testing.T) {
	spin, found := spins(t, time.Minute, compute)
	if !found {
		t.Fatal("a handler that computes is not found")
	}
	if spin.For < 150*time.Millisecond || spin.Route != "/heavy" || spin.Server != "here" {
		t.Errorf("found %+v", spin)
	}
	if text := spin.Stack.String(); !strings.Contains(text, "requests_test.compute spin_test.go:") {
		t.Errorf("the stack does not say who computes: %s", text)
	}
}

// TestNoSpin has handlers do what is all right.
func TestNoSpin(t *testing.T) {
	for name, handle := range map[string]func(context.Context){
		"waits": func(ctx context.Context) { <-ctx.Done() },
		"waits beside one that computes elsewhere": func(ctx context.Context) {
			var all sync.WaitGroup
			all.Go(func() { compute(ctx) })
			all.Wait()
		},
		"is short": func(ctx context.Context) {
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			compute(short)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if spin, found := spins(t, time.Second, handle); found {
				t.Errorf("found %+v %v", spin, spin.Stack)
			}
		})
	}
}
