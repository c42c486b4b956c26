package sink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/logs/sink"
	"github.com/support-go/support/stats"
)

// flaky is a destination that can be stuck, full and mended.
type flaky struct {
	mu    sync.Mutex
	open  sync.Cond
	stuck bool
	err   error
	takes int // of a Write that fails
	text  bytes.Buffer
}

func newFlaky() *flaky {
	f := new(flaky)
	f.open.L = &f.mu
	return f
}

func (f *flaky) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.stuck {
		f.open.Wait()
	}
	if f.err != nil {
		f.text.Write(p[:min(f.takes, len(p))])
		return min(f.takes, len(p)), f.err
	}
	return f.text.Write(p)
}

func (f *flaky) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	f.open.Broadcast()
}

func (f *flaky) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String()
}

func flush(t *testing.T, w *sink.Writer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestWriterPassesOn(t *testing.T) {
	out := newFlaky()
	w := sink.NewWriter(out, sink.Limits{}, nil)
	var want strings.Builder
	for i := range 1000 {
		fmt.Fprintf(io.MultiWriter(w, &want), "line %d\n", i)
	}
	flush(t, w)
	if out.String() != want.String() {
		t.Errorf("%d bytes have come through, want %d", len(out.String()), want.Len())
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	fmt.Fprintln(w, "late")
	if c := w.Counts(); c != (sink.Counts{Offered: 1001, Written: 1000, Dropped: 1}) {
		t.Errorf("%+v", c)
	}
}

func TestWriterStuck(t *testing.T) {
	out := newFlaky()
	out.stuck = true
	reg := new(stats.Registry)
	w := sink.NewWriter(out, sink.Limits{Bytes: 10_000}, reg)
	for range 10_000 { // which would never end if one of them waited
		fmt.Fprintln(w, "line")
	}
	c := w.Counts()
	if c.Dropped < 5000 || c.Written != 0 || c.Dropped > 10_000 {
		t.Errorf("while it is stuck: %+v", c)
	}
	out.set(func() { out.stuck = false })
	flush(t, w)
	fmt.Fprintln(w, "after")
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	c = w.Counts()
	if c.Offered != c.Written+c.Dropped || c.Written != int64(strings.Count(out.String(), "\n")) {
		t.Errorf("in the end: %+v, and %d lines are there", c, strings.Count(out.String(), "\n"))
	}
	if reg.Counter("log.dropped").Value() != c.Dropped || reg.Counter("log.written").Value() != c.Written {
		t.Errorf("the statistics do not agree with %+v", c)
	}
	told := int64(0)
	for line := range strings.Lines(out.String()) {
		if r, err := logs.Parse(line); err == nil && r.Message == "log lines dropped" {
			r.Attrs(func(a slog.Attr) bool { told += a.Value.Int64(); return true })
		}
	}
	if told != c.Dropped {
		t.Errorf("the log tells of %d lines, and %d were dropped", told, c.Dropped)
	}
}

func TestWriterFullAndMended(t *testing.T) {
	out, fallback := newFlaky(), newFlaky()
	out.err, out.takes = errors.New("no space left"), 7 // one line and a bit
	w := sink.NewWriter(out, sink.Limits{Fallback: fallback}, nil)
	for range 3 {
		fmt.Fprint(w, "one\ntwo\nthree\n")
		flush(t, w)
	}
	out.set(func() { out.err = nil })
	fmt.Fprintln(w, "four")
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	c := w.Counts()
	if c.Offered != c.Written+c.Dropped || c.Dropped < 6 {
		t.Errorf("%+v", c)
	}
	if !strings.HasPrefix(out.String(), "one\ntwo") || !strings.Contains(out.String(), "\nfour\n") || !strings.Contains(out.String(), fmt.Sprintf("dropped=%d", c.Dropped)) {
		t.Errorf("what is there is %q", out)
	}
	if n := strings.Count(fallback.String(), "\n"); n != 1 || !strings.Contains(fallback.String(), `error="no space left"`) {
		t.Errorf("the fallback was told %q", fallback)
	}
}

func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full:", err)
	}
	defer full.Close()
	w := sink.NewWriter(full, sink.Limits{}, nil)
	log := slog.New(logs.NewHandler(w, logs.Options{}))
	for i := range 10_000 {
		log.Info("hello", "i", i)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if c := w.Counts(); c.Written != 0 || c.Dropped != c.Offered || c.Offered < 10_000 {
		t.Errorf("%+v", c)
	}
}

func TestStuckPipe(t *testing.T) {
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer out.Close()
	w := sink.NewWriter(out, sink.Limits{Bytes: 100_000, Closing: 10 * time.Millisecond}, nil)
	log := slog.New(logs.NewHandler(w, logs.Options{}))
	for i := range 10_000 {
		log.Info("hello", "i", i)
	}
	if c := w.Counts(); c.Dropped == 0 || c.Offered < 10_000 {
		t.Errorf("%+v", c)
	}
	err = w.Close()
	if !errors.Is(err, os.ErrDeadlineExceeded) { // it has interrupted the write
		t.Error(err)
	}
	if c := w.Counts(); c.Offered != c.Written+c.Dropped {
		t.Errorf("%+v", c)
	}
}

func TestFlushGivesUp(t *testing.T) {
	out := newFlaky()
	out.stuck = true
	w := sink.NewWriter(out, sink.Limits{}, nil)
	fmt.Fprintln(w, "line")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	out.set(func() { out.stuck = false })
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestRecords(t *testing.T) {
	var text, asJSON bytes.Buffer
	h := logs.NewHandler(&sink.Records{Handler: logs.NewHandler(&asJSON, logs.Options{JSON: true})}, logs.Options{})
	slog.New(h).Warn("a", "took", time.Second, "g", map[string]int{"n": 1})
	fmt.Fprintln(&sink.Records{Handler: logs.NewHandler(&text, logs.Options{})}, "printed\x1b[2J")
	if !strings.Contains(asJSON.String(), `"level":"WARN","msg":"a","took":1000000000,"g":{"n":1}}`) {
		t.Errorf("got %s", &asJSON)
	}
	if !strings.HasSuffix(text.String(), `INFO  "printed\x1b[2J"`+"\n") {
		t.Errorf("got %s", &text)
	}
}

func TestStacks(t *testing.T) {
	var out bytes.Buffer
	w := &sink.Records{Handler: logs.NewHandler(&out, logs.Options{}), Printed: slog.LevelWarn}
	fmt.Fprint(w, "panic: oh\n\ngoroutine 7 gp=0x1 m=3 mp=0x2 [running]:\nmain.f(0x1, {0x2, 0x3})\n\t/src/a/main.go:12 +0x1d\nexample.com/a/b.(*T).g(...)\n\t/src/b/t.go:3\n"+
		"created by main.main in goroutine 1\n\t/src/a/main.go:7 +0x2\n\ngoroutine 1 [chan receive, 2 minutes]:\nmain.main()\n\t/src/a/main.go:8 +0x3\nINFO  a record\n")
	fmt.Fprint(w, "goroutine 9 [select]:\nmain.h()\n")
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	want := []string{
		"ERROR panic: oh", "WARN  goroutine 7 [running]", "WARN  goroutine 1 [chan receive, 2 minutes]", "INFO  a record", "WARN  goroutine 9 [select]",
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, line := range lines {
		if i >= len(want) || !strings.Contains(line, want[i]) {
			t.Errorf("line %d: %s", i, line)
		}
	}
	if stack := `stack="main.f main.go:12 < b.(*T).g t.go:3 < created by main.main in goroutine 1 main.go:7"`; len(lines) != len(want) || !strings.Contains(lines[1], stack) {
		t.Errorf("%d lines, the stack in %s", len(lines), lines[1])
	}
}

func ExampleRecords() {
	w := &sink.Records{Handler: logs.NewHandler(os.Stdout, logs.Options{JSON: true})}
	fmt.Fprintln(w, "2026-11-22T07:12:03.123456Z INFO  charge card   amount=7")
	// Output: {"time":"2026-11-22T07:12:03.123456Z","level":"INFO","msg":"charge card","amount":7}
}

func BenchmarkWriter(b *testing.B) {
	w := sink.NewWriter(io.Discard, sink.Limits{}, nil)
	defer func() { _ = w.Close() }()
	line := []byte(strings.Repeat("x", 150) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.Write(line)
	}
}

func ExampleWriter() {
	w := sink.NewWriter(os.Stdout, sink.Limits{}, nil)
	fmt.Fprintln(w, "a line")
	fmt.Println(w.Close(), w.Counts())
	// Output:
	// a line
	// <nil> {1 1 0}
}
