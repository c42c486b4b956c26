package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/logs"
)

var pool = sync.Pool{New: func() any { return new(int) }}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a word": "hello", "no level": "2026-11-22T07:12:03.123456Z hello world", "no message": "INFO ", "bad time": "2026-13-22T07:12:03.123456Z INFO  m",
		"level in lower case": "info  m", "no key": "INFO  m  =1", "no value": "INFO  m  k=", "open": `INFO  m  k="a`, "open key": `INFO  m  "k=1`, "trailing": `INFO  m  k="a"b`,
		"no equals": "INFO  m  k", "escape": "INFO  m  k=\x1b[2J", "bad escape": `INFO  m  k="\q"`, "surrogate": `INFO  m  k="\ud800"`, "no JSON": `INFO  m  k={a}`, "open JSON": `INFO  m  k={"a":1`,
		"two lines": "INFO  m\nINFO  m", "deep": "INFO  m  " + strings.Repeat("a.", 1000) + "k=1",
	} {
		if r, err := logs.Parse(text); !errors.Is(err, logs.ErrSyntax) {
			t.Errorf("%s: %q gives %v, %v; want ErrSyntax", name, text, r, err)
		}
	}
}

// FuzzParse holds every line that can be parsed to what it says when it is
// written again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"INFO  m", "2026-11-22T07:12:03.123456Z WARN  m  k=1", `INFO  m  g."h.i".k="a\n\xff\u202e\U000e0041" j={"a":[1,"}"]} n=nil`, "ERROR+3 \"  \"  a=1.5e+10 b=1h0m3s c=true",
		"DEBUG x y  t=2026-11-22T07:12:03.123456789+01:00 e=NaN f=-Inf", `INFO  ""  a=1 a.b=2 a.c=3 "a".d=4`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := logs.Parse(text)
		if err != nil {
			return
		}
		again := write(t, r)
		r2, err := logs.Parse(again)
		if err != nil {
			t.Fatalf("%q is written %q, and then: %v", text, again, err)
		}
		if !same(r, r2) {
			t.Errorf("%q\nis written %q", text, again)
		}
		if third := write(t, r2); third != again {
			t.Errorf("%q\nis written %q", again, third)
		}
	})
}

// FuzzRoundTrip writes what it is given as text of every kind, and wants it
// back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("msg", "key", "value", "group", int64(7), 1.5, uint8(0))
	f.Add(" m  \n", "a.b", "\x1b[2J\u202e\xff", "g h", int64(math.MinInt64), math.Inf(-1), uint8(5))
	f.Add("=", "", "12h", "", int64(-1), math.Copysign(0, -1), uint8(255))
	f.Fuzz(func(t *testing.T, msg, key, value, group string, n int64, x float64, level uint8) {
		r := slog.NewRecord(time.UnixMicro(n%(1<<50)).UTC(), slog.Level(level)-100, msg, 0)
		r.AddAttrs(
			slog.String("s"+key, value), slog.Int64("i", n), slog.Float64("f", x), slog.Duration("d", time.Duration(n)),
			slog.Uint64("u", uint64(n)), slog.Time("t", time.Unix(n%(1<<37), n%1e9).UTC()), slog.Bool("b", n > 0),
			slog.Group("g"+group, slog.String("s"+key, value), slog.Group("h", slog.Any("l", []string{value, key})), slog.Any("n", nil)),
		)
		text := write(t, r)
		if strings.ContainsFunc(strings.TrimSuffix(text, "\n"), func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e }) {
			t.Errorf("%q has control characters", text)
		}
		back, err := logs.Parse(text)
		if err != nil {
			t.Fatalf("%v: %q", err, text)
		}
		if again := write(t, back); again != text {
			t.Errorf("%q\n%q", text, again)
		}
		if strings.Contains(msg+value, "://") || logs.IsSecret("s"+key) || logs.IsSecret("g"+group) || len(msg)+len(key)+len(value)+len(group) > 1000 {
			return // not all of it is to come back
		}
		if back.Message != msg || back.Level != r.Level || !back.Time.Equal(r.Time) && !r.Time.IsZero() && r.Time.Year() >= 0 {
			t.Errorf("%q says %v %v %q", text, back.Time, back.Level, back.Message)
		}
		got := tree(back)
		if got["s"+key] != value && "s"+key != "s" || got["i"] != n && key != "i" || got["d"] != time.Duration(n) {
			t.Errorf("%q says %v", text, got)
		}
		if f := got["f"].(float64); f != x && !(math.IsNaN(f) && math.IsNaN(x)) {
			t.Errorf("%q says %v for %v", text, f, x)
		}
	})
}

// FuzzJSON wants JSON, and in it what was written as far as JSON can have it.
func FuzzJSON(f *testing.F) {
	f.Add("msg", "key", "a\x00\x1b\u009b\u202e\xff\U000e0041\"\\")
	f.Fuzz(func(t *testing.T, msg, key, value string) {
		got := line(t, logs.Options{JSON: true}, slog.LevelInfo, msg, slog.Group("g", slog.String("k"+key, value)), slog.Any("a", []string{value}))
		var m struct {
			Msg string
			G   map[string]string
			A   []string
		}
		if err := json.Unmarshal([]byte(got), &m); err != nil {
			t.Fatalf("%v: %q", err, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e }) {
			t.Errorf("%q has control characters", got)
		}
		if len(value)+len(key) > 1000 || logs.IsSecret("k"+key) || strings.Contains(value, "://") {
			return
		}
		want := string([]rune(value)) // with what is no UTF-8 replaced
		if m.A[0] != want || m.G[string([]rune("k"+key))] != want {
			t.Errorf("%q says %q and %q, want %q", got, m.A[0], m.G, want)
		}
	})
}

func write(t *testing.T, r slog.Record) string {
	t.Helper()
	var out bytes.Buffer
	if err := logs.NewHandler(&out, logs.Options{MaxValue: 1 << 20, MaxRecord: 1 << 20}).Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// same says whether two records say the same.
func same(x, y slog.Record) bool {
	a, errA := json.Marshal(tree(x))
	b, errB := json.Marshal(tree(y))
	if errA != nil || errB != nil { // of NaN and the like, which fmt can say
		return x.Message == y.Message
	}
	return bytes.Equal(a, b) && x.Message == y.Message && x.Level == y.Level && x.Time.Equal(y.Time)
}
