package support_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support"
)

// TestSetup follows the life of Setup's context and of its clean-up.
func TestSetup(t *testing.T) {
	group := support.New("setup")
	group.Drain = support.Drain{LameDuck: never, Grace: never}
	var address atomic.Value
	var errOfSetup func() error // of its context
	var requests, cleanups atomic.Int32
	arrived, release := make(chan struct{}), make(chan struct{})
	begins := make(chan struct{})
	group.Setup = func(ctx context.Context) (func(context.Context) error, error) {
		if support.From(ctx) != group {
			t.Error("From in Setup is not the group")
		}
		if n := requests.Load(); n != 0 {
			t.Errorf("%d requests before Setup", n)
		}
		errOfSetup = ctx.Err
		go func() { <-support.Draining(ctx); close(begins) }()
		address.Store("db:5432")
		return func(tidy context.Context) error {
			cleanups.Add(1)
			if ctx.Err() == nil {
				t.Error("the context of Setup goes on while the clean-up runs")
			}
			if _, ok := tidy.Deadline(); !ok || tidy.Err() != nil {
				t.Errorf("clean-up got a context with deadline %v, error %v", ok, tidy.Err())
			}
			return nil
		}, nil
	}
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.URL.Path == "/slow" {
			close(arrived)
			<-release
		}
		fmt.Fprint(w, address.Load(), " ", errOfSetup(), " ", cleanups.Load())
	}))
	r := start(t, group)
	c := dial(t, server.Addr())
	c.get("/slow")
	receive(t, "request", arrived)
	r.stop()
	receive(t, "drain", begins)
	close(release)
	if _, body := c.answer(); body != "db:5432 <nil> 0" {
		t.Errorf("a request in the drain saw %q, want Setup's work with nothing undone", body)
	}
	_ = c.Close()
	r.endsWell()
	if errOfSetup() == nil || cleanups.Load() != 1 {
		t.Errorf("after Run: ctx %v, %d clean-ups; want it ended, and 1", errOfSetup(), cleanups.Load())
	}
}

func TestSetupAndCleanUpFail(t *testing.T) {
	tests := map[string]struct {
		setup func(ctx context.Context) (func(context.Context) error, error)
		want  []string // in Run's error
	}{
		"setup fails": {
			func(context.Context) (func(context.Context) error, error) { return nil, errors.New("no database") },
			[]string{"in Setup: no database"},
		},
		"setup panics": {
			func(context.Context) (func(context.Context) error, error) { panic("oh no") },
			[]string{"panic in Setup: oh no", "setup_test.go"},
		},
		"setup fails and leaves a clean-up": {
			func(context.Context) (func(context.Context) error, error) {
				return func(context.Context) error { return errors.New("half done") }, errors.New("no database")
			},
			[]string{"in Setup: no database", "in clean-up: half done"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("failing")
			group.Setup = test.setup
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
			group.Meta("127.0.0.1:0")
			group.Add(&support.Server{Listen: "127.0.0.1:0", Serve: func(context.Context, net.Listener) error {
				t.Error("served without Setup")
				return nil
			}})
			ended := make(chan error, 1)
			go func() { ended <- group.Run(t.Context()) }()
			wantError(t, receive(t, "end of Run", ended), test.want...)
			wantRefused(t, server.Addr())
			select {
			case <-group.Ready():
				t.Error("the group is ready")
			default:
			}
		})
	}
}

func TestCleanUpFails(t *testing.T) {
	tests := map[string]struct {
		cleanup func(context.Context) error
		want    []string
	}{
		"error": {func(context.Context) error { return errors.New("not flushed") }, []string{"in clean-up: not flushed"}},
		"panic": {func(context.Context) error { panic("oh") }, []string{"panic in clean-up: oh"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("failing")
			group.Setup = func(context.Context) (func(context.Context) error, error) { return test.cleanup, nil }
			group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
			r := start(t, group)
			r.stop()
			wantError(t, r.end(), test.want...)
		})
	}
}

// TestCleanUpWhenServingFails wants time for it, although nothing is left to
// drain.
func TestCleanUpWhenServingFails(t *testing.T) {
	group := support.New("failing")
	cleaned := make(chan error, 2)
	group.Setup = func(context.Context) (func(context.Context) error, error) {
		return func(ctx context.Context) error { cleaned <- ctx.Err(); return nil }, nil
	}
	group.Add(&support.Server{Listen: "127.0.0.1:0", Serve: func(context.Context, net.Listener) error { return errors.New("at once") }})
	wantError(t, group.Run(t.Context()), "at once")
	if err := receive(t, "clean-up", cleaned); err != nil {
		t.Errorf("the clean-up's context had ended already: %v", err)
	}
	if len(cleaned) > 0 {
		t.Error("cleaned up twice")
	}
}

// TestStopWhileSetupRuns wants Setup to learn of it, and Run to return nil.
func TestStopWhileSetupRuns(t *testing.T) {
	group := support.New("slow")
	running := make(chan struct{})
	cleaned := make(chan struct{}, 1)
	group.Setup = func(ctx context.Context) (func(context.Context) error, error) {
		close(running)
		<-ctx.Done()
		return func(context.Context) error { cleaned <- struct{}{}; return nil }, ctx.Err()
	}
	group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- group.Run(ctx) }()
	receive(t, "Setup", running)
	stop()
	if err := receive(t, "end of Run", ended); err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
	receive(t, "clean-up", cleaned)
}

// TestKillWhileSetupHangs does not wait for what does not listen.
func TestKillWhileSetupHangs(t *testing.T) {
	group := support.New("hanging")
	running, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	group.Setup = func(context.Context) (func(context.Context) error, error) {
		close(running)
		<-release
		return nil, nil
	}
	group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	ended := make(chan error, 1)
	go func() { ended <- group.Run(t.Context()) }()
	receive(t, "Setup", running)
	group.Kill()
	wantError(t, receive(t, "end of Run", ended), "Setup, which has not returned")
}

func TestRunOnce(t *testing.T) {
	group := support.New("once")
	group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	r := start(t, group)
	wantError(t, group.Run(t.Context()), "only once")
	r.stop()
	r.endsWell()
	wantError(t, group.Run(t.Context()), "only once")
}

// wantRefused wants nobody to listen at an address.
func wantRefused(t *testing.T, addr net.Addr) {
	t.Helper()
	conn, err := net.DialTimeout(addr.Network(), addr.String(), time.Second)
	if err == nil {
		_ = conn.Close()
		t.Errorf("somebody listens on %s", addr)
	}
}
