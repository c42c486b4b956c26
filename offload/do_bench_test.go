package offload_test

import (
	"context"
	"testing"
	"time"

	"github.com/support-go/support/offload"
	"github.com/support-go/support/stats"
)

func BenchmarkDo(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.Run("call", func(b *testing.B) {
		f := succeed
		for b.Loop() {
			_, _ = f(ctx)
		}
	})
	pool := &offload.Pool{Name: "p", Size: 2, Stats: new(stats.Registry)}
	b.Run("idle", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = offload.Do(ctx, pool, succeed)
		}
	})
	b.Run("nested", func(b *testing.B) {
		_, _ = offload.Do(ctx, pool, func(ctx context.Context) (int, error) {
			for b.Loop() {
				_, _ = offload.Do(ctx, pool, succeed)
			}
			return 0, nil
		})
	})
	patient := &offload.Pool{Name: "p", Size: 2, Stats: new(stats.Registry), Limits: offload.Limits{Patience: time.Second}}
	b.Run("idle with patience", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = offload.Do(ctx, patient, succeed)
		}
	})
	value := func(context.Context, int) (int, error) { return 1, nil }
	build := func(context.Context) (int, error) { return 1, nil }
	lanes := &offload.Lanes[int]{Size: 2, Stats: new(stats.Registry), Build: build}
	b.Run("idle with a value", func(b *testing.B) {
		for b.Loop() {
			_, _ = offload.On(ctx, lanes, value)
		}
	})
	threads := &offload.Lanes[int]{Size: 2, Stats: new(stats.Registry), Build: build, Thread: true}
	defer func() { _ = threads.Close(ctx) }()
	b.Run("idle thread", func(b *testing.B) {
		for b.Loop() {
			_, _ = offload.On(ctx, threads, value)
		}
	})
}
