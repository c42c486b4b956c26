package logs

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	phuslu "github.com/phuslu/log"
	"github.com/rs/zerolog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/logs/sink"
)

// discard is not io.Discard, which some loggers know.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

const took = 1234567 * time.Nanosecond

func both(b *testing.B, name string, f func()) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f()
		}
	})
}

// BenchmarkHandler is the handler alone, with a record that has been made.
func BenchmarkHandler(b *testing.B) {
	ctx := context.Background()
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request served", 0)
	r.AddAttrs(slog.String("method", "GET"), slog.Int("status", 200), slog.String("route", "/users/{id}"), slog.Duration("took", took))
	handler := func(name string, h slog.Handler) { both(b, name, func() { _ = h.Handle(ctx, r) }) }
	handler("support_text", logs.NewHandler(discard{}, logs.Options{}))
	handler("support_json", logs.NewHandler(discard{}, logs.Options{JSON: true}))
	handler("slog_text", slog.NewTextHandler(discard{}, nil))
	handler("slog_json", slog.NewJSONHandler(discard{}, nil))
}

// silent is a handler that takes everything and does nothing.
type silent struct{}

func (silent) Enabled(context.Context, slog.Level) bool  { return true }
func (silent) Handle(context.Context, slog.Record) error { return nil }
func (silent) WithAttrs([]slog.Attr) slog.Handler        { return silent{} }
func (silent) WithGroup(string) slog.Handler             { return silent{} }

// BenchmarkCall is a whole call, with the same message and four attributes.
func BenchmarkCall(b *testing.B) {
	ctx := context.Background()
	call := func(name string, h slog.Handler) {
		log := slog.New(h)
		both(b, name, func() {
			log.LogAttrs(ctx, slog.LevelInfo, "request served", slog.String("method", "GET"), slog.Int("status", 200),
				slog.String("route", "/users/{id}"), slog.Duration("took", took))
		})
	}
	call("slog_silent", silent{})
	call("support_text", logs.NewHandler(discard{}, logs.Options{}))
	call("support_json", logs.NewHandler(discard{}, logs.Options{JSON: true}))
	var levels logs.Levels
	w := sink.NewWriter(io.Discard, sink.Limits{}, nil)
	defer func() { _ = w.Close() }()
	repeats := &logs.Repeats{Next: logs.NewHandler(io.MultiWriter(new(logs.Ring), w), logs.Options{})}
	call("support_all", levels.Handler(repeats.Handler())) // as a group has it: levels, ring and a writer that drops
	call("slog_text", slog.NewTextHandler(discard{}, nil))
	call("slog_json", slog.NewJSONHandler(discard{}, nil))

	z := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(discard{}), zap.InfoLevel))
	both(b, "zap_json", func() {
		z.Info("request served", zap.String("method", "GET"), zap.Int("status", 200), zap.String("route", "/users/{id}"), zap.Duration("took", took))
	})
	zero := zerolog.New(discard{}).With().Timestamp().Logger()
	both(b, "zerolog_json", func() {
		zero.Info().Str("method", "GET").Int("status", 200).Str("route", "/users/{id}").Dur("took", took).Msg("request served")
	})
	p := phuslu.Logger{Level: phuslu.InfoLevel, Writer: &phuslu.IOWriter{Writer: discard{}}}
	both(b, "phuslu_json", func() {
		p.Info().Str("method", "GET").Int("status", 200).Str("route", "/users/{id}").Dur("took", took).Msg("request served")
	})
}

// BenchmarkAction is an action from its beginning to its end, and the record
// of the same attribute to compare it with.
func BenchmarkAction(b *testing.B) {
	log := slog.New(logs.NewHandler(discard{}, logs.Options{}))
	ctx := logs.NewContext(context.Background(), log, nil)
	both(b, "action", func() { logs.Begin(ctx, "charge card", "amount", 7).End(nil) })
	both(b, "record", func() { log.InfoContext(ctx, "charge card", "amount", 7) })
	both(b, "record_of_three", func() { log.InfoContext(ctx, "charge card", "outcome", "success", "took", took, "amount", 7) })
}

// BenchmarkParse reads back what BenchmarkHandler writes.
func BenchmarkParse(b *testing.B) {
	line := "2026-11-22T07:12:03.123456Z INFO  request served                  method=GET status=200 route=/users/{id} took=1.234567ms"
	both(b, "support_text", func() {
		if _, err := logs.Parse(line); err != nil {
			b.Fatal(err)
		}
	})
}
