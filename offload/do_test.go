package offload_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/offload"
	"github.com/support-go/support/stats"
)

func Example() {
	pool := offload.NewPool("sums", 2)
	sum, err := offload.Do(context.Background(), pool, func(context.Context) (int, error) {
		total := 0
		for i := range 1000 {
			total += i
		}
		return total, nil
	})
	fmt.Println(sum, err)
	// Output: 499500 <nil>
}

func ExamplePool() {
	reg := new(stats.Registry)
	pool := &offload.Pool{Name: "thumbnails", Size: 1, Limits: offload.Limits{Queue: -1}, Stats: reg}
	_, err := offload.Do(context.Background(), pool, func(ctx context.Context) (int, error) {
		// Somebody else comes while the only lane is taken.
		_, err := offload.Do(context.Background(), pool, func(context.Context) (int, error) { return 0, nil })
		return 0, err
	})
	fmt.Println(errors.Is(err, offload.ErrShed))
	fmt.Println(reg.Counter("offload.shed", "pool", "thumbnails", "reason", "full").Value())
	// Output:
	// true
	// 1
}

func ExampleDoIf() {
	pool := offload.NewPool("parse", 1)
	parse := func(ctx context.Context, text string) (int, error) {
		return offload.DoIf(ctx, pool, len(text) > 1000, func(context.Context) (int, error) {
			return strings.Count(text, ","), nil
		})
	}
	fmt.Println(parse(context.Background(), "a,b,c")) // too short to be worth a lane
	// Output: 2 <nil>
}

func ExampleLimits() {
	pool := &offload.Pool{Name: "files", Size: 32, Limits: offload.Limits{
		Queue:    1000,
		Wait:     2 * time.Second,
		Patience: 100 * time.Millisecond, // a disk that hangs does not hang its callers
		Budget:   5 * time.Second,
	}}
	defer pool.Close(context.Background())
	fmt.Println(offload.Do(context.Background(), pool, func(context.Context) (string, error) { return "read", nil }))
	// Output: read <nil>
}

// blocker holds lanes until it is let go.
type blocker struct {
	began   chan struct{}
	release chan struct{}
}

func newBlocker() *blocker {
	return &blocker{make(chan struct{}, 1000), make(chan struct{})}
}

func (b *blocker) job(context.Context) (int, error) {
	b.began <- struct{}{}
	<-b.release
	return 7, nil
}

func succeed(context.Context) (int, error) { return 1, nil }

func TestDoReturnsWhatTheJobReturns(t *testing.T) {
	failure := errors.New("no luck")
	for name, limits := range map[string]offload.Limits{"here": {}, "elsewhere": {Patience: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			pool := &offload.Pool{Limits: limits}
			got, err := offload.Do(t.Context(), pool, func(context.Context) (string, error) { return "some", failure })
			if got != "some" || !errors.Is(err, failure) {
				t.Errorf("Do returned %q, %v; want some, %v", got, err, failure)
			}
		})
	}
}

func TestAtMostSizeRun(t *testing.T) {
	for name, limits := range map[string]offload.Limits{"here": {}, "elsewhere": {Patience: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			pool := &offload.Pool{Size: 3, Limits: limits}
			var running, most atomic.Int64
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					_, err := offload.Do(t.Context(), pool, func(context.Context) (int, error) {
						n := running.Add(1)
						for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
						}
						for range 10 {
							runtime.Gosched()
						}
						running.Add(-1)
						return 0, nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if got := most.Load(); got > 3 {
				t.Errorf("%d jobs ran at once, want at most 3", got)
			}
		})
	}
}

func TestDefaultSizeLeavesAProcessor(t *testing.T) {
	pool := new(offload.Pool)
	if _, err := offload.Do(t.Context(), pool, succeed); err != nil {
		t.Fatal(err)
	}
	if want := max(1, runtime.GOMAXPROCS(0)-1); pool.Size != want {
		t.Errorf("Size is %d, want %d", pool.Size, want)
	}
}

func TestShed(t *testing.T) {
	tests := map[string]struct {
		limits offload.Limits
		ctx    time.Duration // until the caller's context ends
		reason string
		want   error
	}{
		"queue full":          {offload.Limits{Queue: -1}, time.Hour, "full", offload.ErrShed},
		"waited too long":     {offload.Limits{Wait: time.Second}, time.Hour, "waited", offload.ErrShed},
		"default wait":        {offload.Limits{}, time.Hour, "waited", admit.ErrShed},
		"context ended":       {offload.Limits{}, time.Second, "deadline", context.DeadlineExceeded},
		"context, wait any":   {offload.Limits{Wait: -1}, time.Hour, "deadline", context.DeadlineExceeded},
		"context ended early": {offload.Limits{}, 0, "context", context.DeadlineExceeded},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := new(stats.Registry)
				pool := &offload.Pool{Name: "p", Size: 1, Limits: test.limits, Stats: reg}
				b := newBlocker()
				go func() { _, _ = offload.Do(t.Context(), pool, b.job) }()
				<-b.began
				ctx, cancel := context.WithTimeout(t.Context(), test.ctx)
				defer cancel()
				_, err := offload.Do(ctx, pool, func(context.Context) (int, error) {
					t.Error("a job that was shed has run")
					return 0, nil
				})
				if !errors.Is(err, test.want) {
					t.Errorf("Do returned %v, want %v", err, test.want)
				}
				if n := reg.Counter("offload.shed", "pool", "p", "reason", test.reason).Value(); n != 1 {
					t.Errorf("%d jobs are counted as shed for %s, want 1", n, test.reason)
				}
				close(b.release)
				synctest.Wait()
				if got, err := offload.Do(t.Context(), pool, succeed); got != 1 || err != nil {
					t.Errorf("afterwards Do returned %d, %v; want 1, nil: a lane is lost", got, err)
				}
			})
		})
	}
}

func TestWaitingJobsGoInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := offload.NewPool("p", 1)
		b := newBlocker()
		go func() { _, _ = offload.Do(t.Context(), pool, b.job) }()
		<-b.began
		var order []int
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				_, _ = offload.Do(t.Context(), pool, func(context.Context) (int, error) {
					order = append(order, i) // one at a time
					return 0, nil
				})
			})
			synctest.Wait()
		}
		close(b.release)
		all.Wait()
		if fmt.Sprint(order) != "[0 1 2 3 4]" {
			t.Errorf("jobs ran in the order %v, want that of their coming", order)
		}
	})
}

func TestNested(t *testing.T) {
	type poolSet struct{ a, b *offload.Pool }
	tests := map[string]func(ctx context.Context, p poolSet) (int, error){
		"same pool": func(ctx context.Context, p poolSet) (int, error) {
			return offload.Do(ctx, p.a, func(ctx context.Context) (int, error) {
				return offload.Do(ctx, p.a, succeed)
			})
		},
		"through another pool": func(ctx context.Context, p poolSet) (int, error) {
			return offload.Do(ctx, p.a, func(ctx context.Context) (int, error) {
				return offload.Do(ctx, p.b, func(ctx context.Context) (int, error) {
					return offload.Do(ctx, p.a, succeed)
				})
			})
		},
		"with a derived context": func(ctx context.Context, p poolSet) (int, error) {
			return offload.Do(ctx, p.a, func(ctx context.Context) (int, error) {
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				return offload.Do(ctx, p.a, succeed)
			})
		},
		"conditional": func(ctx context.Context, p poolSet) (int, error) {
			return offload.DoIf(ctx, p.a, true, func(ctx context.Context) (int, error) {
				return offload.DoIf(ctx, p.a, true, succeed)
			})
		},
	}
	for name, call := range tests {
		for where, limits := range map[string]offload.Limits{"here": {Queue: -1}, "elsewhere": {Queue: -1, Patience: time.Minute}} {
			t.Run(name+" "+where, func(t *testing.T) {
				p := poolSet{&offload.Pool{Size: 1, Limits: limits}, &offload.Pool{Size: 1, Limits: limits}}
				if got, err := call(t.Context(), p); got != 1 || err != nil {
					t.Errorf("got %d, %v; want 1, nil", got, err)
				}
			})
		}
	}
}

func TestNestedOnAnotherPoolTakesALane(t *testing.T) {
	a, b := &offload.Pool{Size: 1}, &offload.Pool{Size: 1, Limits: offload.Limits{Queue: -1}}
	block := newBlocker()
	var all sync.WaitGroup
	all.Go(func() { _, _ = offload.Do(t.Context(), b, block.job) })
	<-block.began
	_, err := offload.Do(t.Context(), a, func(ctx context.Context) (int, error) { return offload.Do(ctx, b, succeed) })
	if !errors.Is(err, offload.ErrShed) {
		t.Errorf("a job in a full pool returned %v, want %v", err, offload.ErrShed)
	}
	close(block.release)
	all.Wait()
}

// A context that a job has let escape does not open the pool to everybody.
func TestContextOutlivesItsLane(t *testing.T) {
	pool := &offload.Pool{Size: 1, Limits: offload.Limits{Queue: -1}}
	var escaped context.Context
	_, _ = offload.Do(t.Context(), pool, func(ctx context.Context) (int, error) {
		escaped = ctx //nolint:fatcontext // which is the point
		return 0, nil
	})
	b := newBlocker()
	var all sync.WaitGroup
	all.Go(func() { _, _ = offload.Do(t.Context(), pool, b.job) })
	<-b.began
	if _, err := offload.Do(escaped, pool, succeed); !errors.Is(err, offload.ErrShed) {
		t.Errorf("got %v, want %v", err, offload.ErrShed)
	}
	close(b.release)
	all.Wait()
}

func TestCloseOfAnIdlePoolNeedsNoTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		if err := new(offload.Pool).Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := offload.NewPool("p", 1)
		b := newBlocker()
		go func() { _, _ = offload.Do(t.Context(), pool, b.job) }()
		<-b.began
		waiting := make(chan error)
		go func() {
			_, err := offload.Do(t.Context(), pool, succeed)
			waiting <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		closed := make(chan error)
		go func() { closed <- pool.Close(ctx) }()
		if err := <-waiting; !errors.Is(err, offload.ErrClosed) {
			t.Errorf("a waiting job got %v, want %v", err, offload.ErrClosed)
		}
		if _, err := offload.Do(t.Context(), pool, succeed); !errors.Is(err, offload.ErrClosed) {
			t.Errorf("a new job got %v, want %v", err, offload.ErrClosed)
		}
		if err := <-closed; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "blocker") {
			t.Errorf("Close returned %v, want that the blocker still runs", err)
		}
		close(b.release)
		for range 2 {
			if err := pool.Close(t.Context()); err != nil {
				t.Errorf("Close returned %v when nothing ran any more", err)
			}
		}
	})
}
