package admit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/admit"
)

func ExampleStepAside() {
	gate := admit.New(admit.Limits{Running: 1}, nil, nil)
	handler := gate.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		back := admit.StepAside(r.Context())
		fmt.Println("while it waits, running:", gate.State().Running)
		back()
		fmt.Println("afterwards:", gate.State().Running)
	}), admit.Policy{})
	ctx := gate.NewContext(context.Background()) // as a server's BaseContext gives it
	for range 2 {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	}
	// Output:
	// while it waits, running: 1
	// afterwards: 1
	// while it waits, running: 0
	// afterwards: 1
}

// lending is a gate for two requests that has been asked to lend places before.
func lending() *admit.Gate {
	g := busy(admit.Limits{Running: 2}, nil)
	admit.StepAside(g.NewContext(context.Background()))()
	return g
}

func TestPlaceIsKeptAccountOf(t *testing.T) {
	tests := map[string]func(ctx context.Context, running func(want int), over <-chan struct{}){
		"twice at once": func(ctx context.Context, running func(int), _ <-chan struct{}) {
			one, other := admit.StepAside(ctx), admit.StepAside(ctx)
			running(0)
			one()
			running(0)
			other()
			running(1)
		},
		"comes back twice": func(ctx context.Context, running func(int), _ <-chan struct{}) {
			back := admit.StepAside(ctx)
			back()
			back()
			running(1)
		},
		"panics aside": func(ctx context.Context, running func(int), _ <-chan struct{}) {
			admit.StepAside(ctx)
			running(0)
			panic("oh")
		},
		"panics": func(context.Context, func(int), <-chan struct{}) { panic("oh") },
		"comes back when the request is over": func(ctx context.Context, running func(int), over <-chan struct{}) {
			back := admit.StepAside(ctx)
			go func() {
				<-over
				back()
				running(0)
			}()
		},
		"goes when the request is over": func(ctx context.Context, running func(int), over <-chan struct{}) {
			go func() {
				<-over
				back := admit.StepAside(ctx)
				running(0)
				back()
				running(0)
			}()
		},
	}
	for name, serve := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := lending()
				running := func(want int) {
					t.Helper()
					if n := g.State().Running; n != want {
						t.Errorf("%d run, want %d", n, want)
					}
				}
				over := make(chan struct{})
				func() {
					defer func() { _ = recover() }()
					handler := g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { serve(r.Context(), running, over) }), admit.Policy{})
					handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
				}()
				close(over)
				synctest.Wait()
				running(0)
				if s := g.State(); s.Lasting != 0 {
					t.Errorf("%d last", s.Lasting)
				}
			})
		})
	}
}

// TestTimeAsideIsNotService: a gate that took it for service would have no room
// for others.
func TestTimeAsideIsNotService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lending()
		handler := g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Millisecond)
			defer admit.StepAside(r.Context())()
			time.Sleep(time.Minute)
		}), admit.Policy{})
		for range 64 { // of which some are timed
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		}
		if s := g.State(); s.Service != time.Millisecond {
			t.Errorf("a request takes %v, want 1ms", s.Service)
		}
	})
}

// TestWhoeverIsOutsideSeesTheRoute: handlers get a copy of the request, and what a
// mux and a form leave in it is for those who have the original.
func TestWhoeverIsOutsideSeesTheRoute(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/login/{who}", func(_ http.ResponseWriter, r *http.Request) {
		if c := admit.ClassOf(r.Context()); c != admit.Critical {
			t.Errorf("the class is %v, want critical", c)
		}
	})
	handler := admit.New(admit.Limits{}, nil, nil).Handler(mux, admit.Policy{Class: admit.Prefixes{"/login": admit.Critical}.Class})
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/login/me", nil)
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if r.Pattern != "/login/{who}" {
		t.Errorf("the route is %q", r.Pattern)
	}
	if c := admit.ClassOf(t.Context()); c != admit.Default {
		t.Errorf("outside of requests the class is %v, want default", c)
	}
}
