package logs_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/support-go/support/logs"
)

func record() slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request served", 0)
	r.AddAttrs(slog.String("method", "GET"), slog.Int("status", 200), slog.String("route", "/users/{id}"), slog.Duration("took", 1234567))
	return r
}

func BenchmarkHandler(b *testing.B) {
	for name, h := range map[string]slog.Handler{
		"logs text": logs.NewHandler(discard{}, logs.Options{}),
		"logs json": logs.NewHandler(discard{}, logs.Options{JSON: true}),
		"slog text": slog.NewTextHandler(discard{}, nil),
		"slog json": slog.NewJSONHandler(discard{}, nil),
	} {
		b.Run(name, func(b *testing.B) {
			r, ctx := record(), context.Background()
			b.ReportAllocs()
			for b.Loop() {
				_ = h.Handle(ctx, r)
			}
		})
	}
}

func BenchmarkCall(b *testing.B) {
	for name, h := range map[string]slog.Handler{
		"logs text": logs.NewHandler(discard{}, logs.Options{}),
		"logs json": logs.NewHandler(discard{}, logs.Options{JSON: true}),
		"slog text": slog.NewTextHandler(discard{}, nil),
	} {
		b.Run(name, func(b *testing.B) {
			log, ctx := slog.New(h), context.Background()
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(ctx, slog.LevelInfo, "request served", slog.String("method", "GET"), slog.Int("status", 200), slog.String("route", "/users/{id}"), slog.Duration("took", 1234567))
			}
		})
	}
}

func BenchmarkAction(b *testing.B) {
	ctx := logs.NewContext(b.Context(), slog.New(logs.NewHandler(discard{}, logs.Options{})), nil)
	b.ReportAllocs()
	for b.Loop() {
		action := logs.Begin(ctx, "charge card", "amount", 7)
		action.End(nil)
	}
}
