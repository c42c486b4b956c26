package tasks_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/internal/tasks"
)

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g tasks.Group
		start := time.Now()
		ended := make(chan error)
		g.Go(time.Second, func(ctx context.Context) {
			<-ctx.Done()
			ended <- ctx.Err()
		})
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v; want a time-out after 1 s", err, time.Since(start))
		}
		g.Close()
	})
}

// TestClose has tasks take their time to end.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g tasks.Group
		var ended atomic.Int64
		for range 10 {
			g.Go(0, func(ctx context.Context) {
				<-ctx.Done()
				time.Sleep(time.Minute)
				ended.Add(1)
			})
		}
		if g.Closed() {
			t.Error("closed before Close")
		}
		g.Close()
		if n := ended.Load(); n != 10 || !g.Closed() {
			t.Errorf("Close returned when %d of 10 had ended; Closed says %v", n, g.Closed())
		}
		if g.Go(0, func(context.Context) { t.Error("ran after Close") }) {
			t.Error("Go promises to run after Close")
		}
		g.Close() // once more does no harm
	})
}

// TestGoBesideClose has every task either refused or waited for.
func TestGoBesideClose(t *testing.T) {
	for range 50 {
		var g tasks.Group
		var started, ended atomic.Int64
		var callers sync.WaitGroup
		wait := func(ctx context.Context) {
			started.Add(1)
			defer ended.Add(1)
			<-ctx.Done()
		}
		for range 4 {
			callers.Go(func() {
				for range 1000 {
					if !g.Go(0, wait) {
						return
					}
				}
			})
		}
		g.Close()
		now := ended.Load()
		callers.Wait()
		if now != started.Load() {
			t.Fatalf("%d ran, of which %d had ended when Close returned", started.Load(), now)
		}
	}
}
