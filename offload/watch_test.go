package offload_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/offload"
	"github.com/support-go/support/stats"
)

// records keeps what is logged.
type records struct {
	mu   sync.Mutex
	text []string
	more chan struct{} // one for each record, as far as there is room
}

func newRecords() *records { return &records{more: make(chan struct{}, 100)} }

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, string(p))
	select {
	case r.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (r *records) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// next waits for a record.
func (r *records) next(t *testing.T) string {
	t.Helper()
	select {
	case <-r.more:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing is logged")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text[len(r.text)-1]
}

func (b *blocker) slowJob(ctx context.Context) (int, error) { return b.job(ctx) }

func TestJobOverItsBudgetIsReported(t *testing.T) {
	for name, patience := range map[string]time.Duration{"here": 0, "elsewhere": time.Minute} {
		t.Run(name, func(t *testing.T) {
			log := newRecords()
			pool := &offload.Pool{Name: "p", Size: 3, Log: log.logger(), Limits: offload.Limits{Budget: 20 * time.Millisecond, Patience: patience}}
			b := newBlocker()
			began := time.Now()
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { _, _ = offload.Do(t.Context(), pool, b.slowJob) })
			}
			for i := range 2 {
				record := log.next(t)
				for _, want := range []string{"over its budget", "pool=p", "slowJob", "watch_test.go:"} {
					if !strings.Contains(record, want) {
						t.Errorf("the record does not tell %q:\n%s", want, record)
					}
				}
				if wait := time.Since(began); wait < time.Duration(i)*time.Second {
					t.Errorf("record %d came after %v, want at most one a second", i, wait)
				}
			}
			close(b.release)
			all.Wait()
		})
	}
}

func TestWatchScheduler(t *testing.T) {
	log, reg := newRecords(), new(stats.Registry)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { offload.WatchScheduler(ctx, time.Millisecond, log.logger(), reg) })
	for range 64 {
		all.Go(func() { spinUntil(ctx) })
	}
	record := log.next(t)
	cancel()
	all.Wait()
	if !strings.Contains(record, "wait for a processor") || !strings.Contains(record, "spinUntil") {
		t.Errorf("the record does not tell who computes:\n%s", record)
	}
	if n := reg.Distribution("offload.scheduler_seconds").Snapshot().Count; n == 0 {
		t.Error("no delay is recorded")
	}
}

func spinUntil(ctx context.Context) {
	n := 0
	for ctx.Err() == nil {
		for i := range 1000 {
			n += i
		}
	}
}
