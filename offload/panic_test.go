package offload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/offload"
	"github.com/support-go/support/stats"
)

func ExamplePanicError() {
	pool := &offload.Pool{Size: 1, Limits: offload.Limits{Patience: time.Second}}
	defer func() {
		p := recover().(*offload.PanicError)
		fmt.Println(p.Value, strings.Contains(string(p.Stack), "ExamplePanicError"))
	}()
	_, _ = offload.Do(context.Background(), pool, func(context.Context) (int, error) { panic("oh no") })
	// Output: oh no true
}

var errBoom = errors.New("boom")

func explode(context.Context) (int, error) { panic(errBoom) }

// recovered returns what f panics with.
func recovered(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestPanicComesBack(t *testing.T) {
	tests := map[string]func(ctx context.Context, p *offload.Pool){
		"alone": func(ctx context.Context, p *offload.Pool) { _, _ = offload.Do(ctx, p, explode) },
		"nested": func(ctx context.Context, p *offload.Pool) {
			_, _ = offload.Do(ctx, p, func(ctx context.Context) (int, error) { return offload.Do(ctx, p, explode) })
		},
	}
	for name, call := range tests {
		for where, limits := range map[string]offload.Limits{"here": {}, "elsewhere": {Patience: time.Minute}} {
			t.Run(name+" "+where, func(t *testing.T) {
				reg := new(stats.Registry)
				pool := &offload.Pool{Name: "p", Size: 1, Limits: limits, Stats: reg}
				v := recovered(func() { call(t.Context(), pool) })
				if err, _ := v.(error); !errors.Is(err, errBoom) {
					t.Errorf("panicked with %v, want one that is %v", v, errBoom)
				}
				if p, ok := v.(*offload.PanicError); ok && !strings.Contains(string(p.Stack), "explode") {
					t.Errorf("the stack is not the job's:\n%s", p.Stack)
				}
				if got, err := offload.Do(t.Context(), pool, succeed); got != 1 || err != nil {
					t.Errorf("afterwards: %d, %v; want 1, nil: a lane is lost", got, err)
				}
			})
		}
	}
}

func TestPanicIsCounted(t *testing.T) {
	reg := new(stats.Registry)
	pool := &offload.Pool{Name: "p", Size: 1, Stats: reg}
	recovered(func() { _, _ = offload.Do(t.Context(), pool, explode) })
	if n := reg.Counter("offload.panics", "function", "offload_test.explode", "pool", "p").Value(); n != 1 {
		t.Errorf("%d panics are counted, want 1", n)
	}
}

func TestGoexit(t *testing.T) {
	pool := &offload.Pool{Size: 1, Limits: offload.Limits{Patience: time.Minute}}
	_, err := offload.Do(t.Context(), pool, func(context.Context) (int, error) {
		runtime.Goexit()
		return 0, nil
	})
	if !errors.Is(err, offload.ErrGone) {
		t.Errorf("got %v, want %v", err, offload.ErrGone)
	}
	done := make(chan struct{})
	go func() { // here it ends the caller, whose lane must not be lost
		defer close(done)
		_, _ = offload.Do(t.Context(), &offload.Pool{}, func(context.Context) (int, error) {
			runtime.Goexit()
			return 0, nil
		})
		t.Error("Do returned from a goroutine that has ended")
	}()
	<-done
	if got, err := offload.Do(t.Context(), pool, succeed); got != 1 || err != nil {
		t.Errorf("afterwards: %d, %v; want 1, nil", got, err)
	}
}

func TestJobThatIgnoresItsContext(t *testing.T) {
	tests := map[string]struct {
		end     func() (int, error)
		logged  string
		already bool // the job heeds its context
	}{
		"returns at last": {end: func() (int, error) { return 1, nil }},
		"panics at last":  {end: func() (int, error) { panic("too late") }, logged: "too late"},
		"heeds it":        {end: func() (int, error) { return 1, nil }, already: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				reg := new(stats.Registry)
				pool := &offload.Pool{
					Name: "p", Size: 1, Limits: offload.Limits{Patience: time.Second},
					Log: slog.New(slog.NewTextHandler(&log, nil)), Stats: reg,
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				release := make(chan struct{})
				began := time.Now()
				got, err := offload.Do(ctx, pool, func(ctx context.Context) (int, error) {
					if test.already {
						<-ctx.Done()
					} else {
						<-release
					}
					return test.end()
				})
				if test.already {
					if got != 1 || err != nil || time.Since(began) != time.Second {
						t.Errorf("got %d, %v after %v; want what the job returned", got, err, time.Since(began))
					}
					return
				}
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second {
					t.Errorf("got %v after %v, want the end of the context after 2s", err, time.Since(began))
				}
				if level(reg, "offload.running") != 1 {
					t.Error("the lane is free while its job runs")
				}
				close(release)
				if err := pool.Close(t.Context()); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if test.logged != "" && !strings.Contains(log.String(), test.logged) {
					t.Errorf("the log does not tell of %q:\n%s", test.logged, log.String())
				}
			})
		})
	}
}
