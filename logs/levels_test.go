package logs_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/logs"
)

func TestLevelsOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var levels logs.Levels
		var out bytes.Buffer
		log := slog.New(levels.Handler(logs.NewHandler(&out, logs.Options{})))
		written := func(ctx context.Context) bool {
			out.Reset()
			log.DebugContext(ctx, "m")
			return out.Len() > 0
		}
		check := func(what string, ctx context.Context, want bool) {
			t.Helper()
			if got := written(ctx); got != want {
				t.Errorf("%s: written: %v", what, got)
			}
		}
		ctx := t.Context()
		check("at first", ctx, false)
		levels.SetAll(slog.LevelDebug, time.Minute)
		check("all", ctx, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		check("after the time", ctx, false)
		levels.SetAll(slog.LevelDebug, 0)
		levels.SetAll(slog.LevelError, time.Minute)
		check("less for a time", ctx, false)
		time.Sleep(time.Minute)
		synctest.Wait()
		check("what was for good, after that", ctx, true)
		levels.SetAll(slog.LevelInfo, 0)

		levels.SetPackage("github.com/support-go/support/logs_test", slog.LevelDebug, time.Minute)
		check("this package", ctx, true)
		levels.SetPackage("example.com/other", slog.LevelDebug, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		check("another package", ctx, false)
		levels.Reset("example.com/other")
		levels.SetPackage("github.com/support-go", slog.LevelDebug, 0)
		check("a package above", ctx, true)
		levels.SetPackage("github.com/support-go/support/logs_test", slog.LevelError, 0)
		check("a package of it", ctx, false)
		if o := levels.Overrides(); len(o) != 3 || o[0].Package != "" || o[2].Level != slog.LevelError {
			t.Errorf("overrides %v", o)
		}
		levels.Reset("github.com/support-go")
		levels.Reset("github.com/support-go/support/logs_test")

		request, end := context.WithCancel(ctx)
		check("a request without a key", levels.ForKey(request, "k"), false)
		levels.SetKey("k", slog.LevelDebug, time.Minute)
		check("a request with a wrong key", levels.ForKey(request, "j"), false)
		asked := levels.ForKey(request, "k")
		check("a request with the key", asked, true)
		check("another request", ctx, false)
		end()
		synctest.Wait()
		check("the request has ended", asked, false)
		time.Sleep(time.Minute)
		synctest.Wait()
		check("the key has ended", levels.ForKey(ctx, "k"), false)
	})
}

func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(safeBuffer)
		repeats := &logs.Repeats{Next: logs.NewHandler(out, logs.Options{})}
		log := slog.New(repeats.Handler()).With("group", "g")
		for i := range 1000 {
			log.Warn("upstream failed", "try", i)
			log.Info("fine", "n", i)
		}
		log.Warn("another place")
		if n := strings.Count(out.String(), "upstream failed"); n != 10 {
			t.Errorf("%d of 1000 warnings", n)
		}
		if n := strings.Count(out.String(), "fine"); n != 1000 || !strings.Contains(out.String(), "another place") {
			t.Errorf("%d of 1000 other records", n)
		}
		out.Reset()
		time.Sleep(time.Second)
		synctest.Wait()
		_, m := parsed(t, out.String())
		if m["repeated"] != int64(990) || m["try"] != int64(999) || m["group"] != "g" {
			t.Errorf("the sum is %q", out.String())
		}
		out.Reset()
		for range 12 {
			log.Error("again")
		}
		repeats.Flush()
		if n := strings.Count(out.String(), "again"); n != 11 || !strings.Contains(out.String(), "repeated=2") {
			t.Errorf("after a flush: %s", out)
		}
	})
}

// safeBuffer can be written and read by several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *safeBuffer) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.Reset()
}

func TestRing(t *testing.T) {
	ring := &logs.Ring{Size: 3}
	handler := ring.Handler(logs.NewHandler(ring, logs.Options{Level: slog.LevelDebug, Color: logs.ColorAlways}))
	log := slog.New(handler)
	log.Error("first")
	for i := range 10 {
		log.Info("many", "i", i)
	}
	log.Debug(strings.Repeat("x", 10_000)) //nolint:sloglint // not constant on purpose
	lines := ring.Lines(slog.LevelInfo)
	if len(lines) != 4 || !strings.Contains(lines[0], "first") || !strings.HasSuffix(lines[3], " i=9") || strings.Contains(lines[3], "\x1b") {
		t.Errorf("kept %q", lines)
	}
	if all := ring.Lines(slog.LevelDebug); len(all) != 5 || len(all[4]) != 4096 {
		t.Errorf("with the long one %d lines", len(all))
	}
	for range 2 { // the same, from two places
		log.Info("many")
	}
	sites := ring.Sites()
	if len(sites) != 4 || sites[0].Count != 10 || sites[0].Message != "many" || sites[1].Count != 2 || sites[1].Message != "many" {
		t.Errorf("sites %v", sites)
	}
	if a, b := sites[0].Place, sites[1].Place; a == b || !strings.HasPrefix(a, "logs/levels_test.go:") {
		t.Errorf("places %s and %s", a, b)
	}
	for i := range 3000 {
		log.Info(fmt.Sprint("message ", i)) //nolint:sloglint // not constant on purpose
	}
	if s := ring.Sites(); len(s) != 5 || s[0].Count != 3000 || s[0].Message != "message 2999" {
		t.Errorf("with 3000 messages from one place %d sites, the first %v", len(s), s[0])
	}
	for i := range 3000 { // which name no place
		_ = handler.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, fmt.Sprint("GET /", i), 0))
	}
	if s := ring.Sites(); len(s) != 1001 || s[0].Count != 3000 || s[1].Message != "overflow …" || s[1].Count != 2005 {
		t.Errorf("with 3000 routes %d sites, the first %v", len(s), s[:2])
	}
}

// TestRepeatsAreByPlace has two places say the same.
func TestRepeatsAreByPlace(t *testing.T) {
	var out safeBuffer
	repeats := &logs.Repeats{Next: logs.NewHandler(&out, logs.Options{}), Burst: 2, Level: slog.LevelInfo}
	log := slog.New(repeats.Handler())
	for range 5 {
		log.Info("upstream failed")
	}
	for range 3 {
		log.Info("upstream failed")
	}
	repeats.Flush()
	if text := out.String(); strings.Count(text, "\n") != 6 || !strings.Contains(text, "repeated=3") || !strings.Contains(text, "repeated=1") {
		t.Errorf("logged\n%s", text)
	}
}

func TestParseColored(t *testing.T) {
	text := line(t, logs.Options{Color: logs.ColorAlways}, slog.LevelWarn, "m", slog.String("error", "x"), slog.String("outcome", "success"))
	if r, err := logs.Parse(text); err != nil || r.Message != "m" || tree(r)["error"] != "x" {
		t.Errorf("%q gives %v, %v", text, r, err)
	}
}

func ExampleLevels() {
	var levels logs.Levels
	log := slog.New(levels.Handler(logs.NewHandler(new(withoutTimes), logs.Options{})))
	log.Debug("not seen")
	levels.SetAll(slog.LevelDebug, time.Minute)
	log.Debug("seen")
	// Output: DEBUG seen
}

func ExampleRepeats() {
	repeats := &logs.Repeats{Next: logs.NewHandler(new(withoutTimes), logs.Options{}), Burst: 1}
	log := slog.New(repeats.Handler())
	for i := range 100 {
		log.Warn("upstream failed", "try", i)
	}
	repeats.Flush()
	// Output:
	// WARN upstream failed try=0
	// WARN upstream failed try=99 repeated=99
}

func ExampleRing() {
	ring := &logs.Ring{Size: 2}
	log := slog.New(ring.Handler(logs.NewHandler(ring, logs.Options{})))
	for i := range 5 {
		log.Warn("upstream failed", "try", i)
	}
	for _, line := range ring.Lines(slog.LevelWarn) {
		_, attrs, _ := strings.Cut(line, "  try")
		fmt.Fprintln(os.Stdout, attrs)
	}
	for _, s := range ring.Sites() {
		fmt.Println(s.Count, s.Level, s.Message) // and its Place
	}
	// Output:
	// =3
	// =4
	// 5 WARN upstream failed
}
