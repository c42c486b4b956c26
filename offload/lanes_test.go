package offload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/offload"
)

func ExampleLanes() {
	type handle struct{ queries int }
	lanes := &offload.Lanes[*handle]{
		Name:    "database",
		Size:    4,
		Build:   func(context.Context) (*handle, error) { return new(handle), nil },
		Discard: func(h *handle) { fmt.Println("closed after", h.queries, "queries") },
	}
	for range 3 {
		_, _ = offload.On(context.Background(), lanes, func(_ context.Context, h *handle) (int, error) {
			h.queries++ // nobody else has this handle now
			return 0, nil
		})
	}
	fmt.Println(lanes.Close(context.Background()))
	// Output:
	// closed after 3 queries
	// <nil>
}

// counted is a lane's value that knows how many there have been.
type counted struct{ number int64 }

// laneKind is what differs between tests.
type laneKind struct {
	limits offload.Limits
	thread bool
}

// counting returns two lanes of counted, and how many have been discarded.
func (k laneKind) counting() (lanes *offload.Lanes[*counted], built, discarded *atomic.Int64) {
	built, discarded = new(atomic.Int64), new(atomic.Int64)
	return &offload.Lanes[*counted]{
		Size: 2, Limits: k.limits, Thread: k.thread,
		Build:   func(context.Context) (*counted, error) { return &counted{built.Add(1)}, nil },
		Discard: func(*counted) { discarded.Add(1) },
	}, built, discarded
}

func number(_ context.Context, c *counted) (int64, error) { return c.number, nil }

var laneKinds = map[string]laneKind{
	"here":                    {},
	"elsewhere":               {limits: offload.Limits{Patience: time.Minute}},
	"threads":                 {thread: true},
	"threads and impatiently": {thread: true, limits: offload.Limits{Patience: time.Minute}},
}

func TestLanesAreBuiltOnce(t *testing.T) {
	for name, kind := range laneKinds {
		t.Run(name, func(t *testing.T) {
			lanes, built, discarded := kind.counting()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 50 {
						if _, err := offload.On(t.Context(), lanes, number); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			if n := built.Load(); n < 1 || n > 2 {
				t.Errorf("%d lanes have been built for a pool of 2", n)
			}
			if err := lanes.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if built.Load() != discarded.Load() {
				t.Errorf("%d of %d lanes have been discarded", discarded.Load(), built.Load())
			}
			if _, err := offload.On(t.Context(), lanes, number); !errors.Is(err, offload.ErrClosed) {
				t.Errorf("after Close: %v, want %v", err, offload.ErrClosed)
			}
		})
	}
}

func TestBadLaneIsReplaced(t *testing.T) {
	bad := map[string]func(context.Context, *counted) (int64, error){
		"panic":  func(context.Context, *counted) (int64, error) { panic("torn") },
		"broken": func(context.Context, *counted) (int64, error) { return 0, fmt.Errorf("gone: %w", offload.ErrBroken) },
	}
	for name, kind := range laneKinds {
		for how, job := range bad {
			t.Run(name+" "+how, func(t *testing.T) {
				lanes, _, discarded := kind.counting()
				for i := range int64(3) {
					if got, err := offload.On(t.Context(), lanes, number); got != i+1 || err != nil {
						t.Errorf("lane %d, %v; want %d, nil", got, err, i+1)
					}
					_ = recovered(func() { _, _ = offload.On(t.Context(), lanes, job) })
					if n := discarded.Load(); n != i+1 {
						t.Errorf("%d lanes have been discarded, want %d", n, i+1)
					}
				}
				if err := lanes.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestFailureKeepsTheLane(t *testing.T) {
	lanes, built, _ := laneKind{}.counting()
	for range 2 {
		_, err := offload.On(t.Context(), lanes, func(context.Context, *counted) (int, error) { return 0, errBoom })
		if !errors.Is(err, errBoom) {
			t.Errorf("got %v, want %v", err, errBoom)
		}
	}
	if n := built.Load(); n != 1 {
		t.Errorf("%d lanes have been built, want 1", n)
	}
}

func TestBuildFails(t *testing.T) {
	fail := true
	lanes := &offload.Lanes[int]{Size: 1, Name: "database", Build: func(context.Context) (int, error) {
		if fail {
			return 0, errBoom
		}
		return 5, nil
	}}
	value := func(_ context.Context, n int) (int, error) { return n, nil }
	if _, err := offload.On(t.Context(), lanes, value); !errors.Is(err, errBoom) || !strings.Contains(err.Error(), "database") {
		t.Errorf("got %v, want %v and which pool", err, errBoom)
	}
	fail = false
	if got, err := offload.On(t.Context(), lanes, value); got != 5 || err != nil {
		t.Errorf("afterwards: %d, %v; want 5, nil", got, err)
	}
}

func TestDiscardPanics(t *testing.T) {
	var log bytes.Buffer
	lanes := &offload.Lanes[int]{
		Log:     slog.New(slog.NewTextHandler(&log, nil)),
		Build:   func(context.Context) (int, error) { return 0, nil },
		Discard: func(int) { panic("already closed") },
	}
	_, _ = offload.On(t.Context(), lanes, func(context.Context, int) (int, error) { return 0, nil })
	if err := lanes.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "already closed") {
		t.Errorf("the log does not tell of the panic:\n%s", log.String())
	}
}

func TestNestedOn(t *testing.T) {
	other := offload.NewPool("other", 1)
	for name, kind := range laneKinds {
		t.Run(name, func(t *testing.T) {
			lanes, _, _ := kind.counting()
			_, err := offload.On(t.Context(), lanes, func(ctx context.Context, outer *counted) (int, error) {
				got, err := offload.On(ctx, lanes, number)
				if got != outer.number {
					t.Errorf("the nested job has lane %d, want that of its job, %d", got, outer.number)
				}
				if err != nil {
					return 0, err
				}
				return offload.Do(ctx, other, func(ctx context.Context) (int, error) {
					_, err := offload.On(ctx, lanes, number)
					return 0, err
				})
			})
			var want error // of one that has gone through another pool
			if kind.thread {
				want = offload.ErrNested
			}
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if err := lanes.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
