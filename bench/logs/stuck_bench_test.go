package logs

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/logs/sink"
)

// logged is a server that logs a record for each request, as a group does, to
// a pipe that cat reads, or nobody.
func logged(b *testing.B, read bool) *httptest.Server {
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	cat := exec.CommandContext(ctx, "cat")
	cat.Stdin = r
	if read {
		if err := cat.Start(); err != nil {
			b.Fatal(err)
		}
	}
	writer := sink.NewWriter(w, sink.Limits{}, nil)
	var levels logs.Levels
	repeats := &logs.Repeats{Next: logs.NewHandler(io.MultiWriter(new(logs.Ring), writer), logs.Options{})}
	log := slog.New(levels.Handler(repeats.Handler()))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.LogAttrs(r.Context(), slog.LevelInfo, "request served", slog.String("method", r.Method), slog.Int("status", 200),
			slog.String("route", "/users/{id}"), slog.Duration("took", took))
		_, _ = io.WriteString(w, "ok")
	}))
	for range 20_000 { // more than the pipe and the buffer hold
		log.Info("before")
	}
	b.Cleanup(func() {
		server.Close()
		end()
		_ = cat.Wait() // it was killed, or never started
		_ = r.Close()
		_ = writer.Close()
	})
	return server
}

// ask sends requests one after the other, and adds how long each took.
func ask(b *testing.B, s *httptest.Server, times []time.Duration) []time.Duration {
	for range 200 {
		began := time.Now()
		answer, err := s.Client().Get(s.URL)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		times = append(times, time.Since(began))
	}
	return times
}

// BenchmarkStuckPipe compares requests to a server whose log is read with those
// to one whose log is not, in turns.
func BenchmarkStuckPipe(b *testing.B) {
	healthy, stuck := logged(b, true), logged(b, false)
	var of [2][]time.Duration
	for i := 0; b.Loop(); i++ {
		if i%2 == 0 { // so that neither is always the second
			of[0] = ask(b, healthy, of[0])
			of[1] = ask(b, stuck, of[1])
		} else {
			of[1] = ask(b, stuck, of[1])
			of[0] = ask(b, healthy, of[0])
		}
	}
	quantile := func(times []time.Duration, q float64) float64 {
		slices.Sort(times)
		return float64(times[int(q*float64(len(times)-1))].Nanoseconds()) / 1e3
	}
	for name, q := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		read, not := quantile(of[0], q), quantile(of[1], q)
		b.ReportMetric(read, "healthy_"+name+"_µs")
		b.ReportMetric(not, "stuck_"+name+"_µs")
		b.ReportMetric(not/read, "ratio_"+name)
	}
}
