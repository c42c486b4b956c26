package stats_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/support-go/support/stats"
)

func TestSameNameAndLabelsGiveTheSameInstrument(t *testing.T) {
	reg := new(stats.Registry)
	if reg.Counter("c", "a", "1", "b", "2") != reg.Counter("c", "b", "2", "a", "1") {
		t.Error("the order of labels made another Counter")
	}
	if reg.Counter("c", "a", "1") == reg.Counter("c", "a", "2") {
		t.Error("different values gave the same Counter")
	}
	if reg.Counter("c", "a", "x\x00\x01b\x00\x00") == reg.Counter("c", "a", "x", "b", "") {
		t.Error("NULs in a value made two series one")
	}
}

func TestNilRegistryHandsOutInstrumentsThatWork(t *testing.T) {
	var reg *stats.Registry
	reg.Describe("c", "text")
	c, d := reg.Counter("c"), reg.Distribution("d")
	c.Add(2)
	d.Add(3)
	reg.Gauge("g").Set(1)
	reg.Rate("r").Tick()
	reg.Top("t").Add("k")
	reg.Cardinality("n").Add("k")
	states := reg.States("s")
	visit := states.Enter(states.State("a"))
	visit.Leave()
	if c.Value() != 2 || d.Snapshot().Count != 1 || len(reg.Snapshot().Series) != 0 || reg.Findings() != nil || reg.Help("c") != "" {
		t.Error("a nil Registry's instruments do not count, or it lists something")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	for name, reg := range map[string]*stats.Registry{"nil": nil, "zero": {}} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := reg.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Run returned %v, want the error of its context", name, err)
		}
	}
}

// refusal returns the error that f panics with.
func refusal(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}

func TestMistakesAreRefused(t *testing.T) {
	reg := new(stats.Registry)
	reg.Counter("taken")
	tests := map[string]struct {
		ask  func()
		want error
		text string
	}{
		"empty":        {func() { reg.Counter("") }, stats.ErrName, "it is empty"},
		"control":      {func() { reg.Counter("a\nb") }, stats.ErrName, `"a\nb"`},
		"10 kB":        {func() { reg.Counter(strings.Repeat("x", 10_000)) }, stats.ErrName, "10000 bytes"},
		"digit first":  {func() { reg.Counter("1a") }, stats.ErrName, "beginning with a letter"},
		"not ASCII":    {func() { reg.Counter("größe") }, stats.ErrName, "ASCII"},
		"odd labels":   {func() { reg.Counter("a", "key") }, stats.ErrName, "pairs"},
		"label key":    {func() { reg.Counter("a", "", "v") }, stats.ErrName, `label of "a"`},
		"nine labels":  {func() { reg.Counter("a", make([]string, 18)...) }, stats.ErrName, "8 pairs"},
		"other kind":   {func() { reg.Gauge("taken") }, stats.ErrKind, "counter, not a gauge"},
		"with labels":  {func() { reg.Gauge("taken", "a", "b") }, stats.ErrKind, "counter, not a gauge"},
		"label twice":  {func() { reg.Counter("a", "k", "1", "k", "2") }, stats.ErrName, `"k" twice`},
		"reserved":     {func() { reg.Counter("overflow.gauge") }, stats.ErrName, "registry's own"},
		"nil registry": {func() { (*stats.Registry)(nil).Counter("") }, stats.ErrName, "it is empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := refusal(tt.ask)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want a %v that says %q", err, tt.want, tt.text)
			}
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestLabelValuesAreCleaned(t *testing.T) {
	tests := map[string]struct{ value, want string }{
		"plain":     {"GET /x", "GET /x"},
		"control":   {"a\x1b[31mb\nc", "a?[31mb?c"},
		"not UTF-8": {"a\xff", "a?"},
		"umlaut":    {"Käse", "Käse"},
		"long":      {strings.Repeat("é", 150), strings.Repeat("é", 100)},
		"cut rune":  {"x" + strings.Repeat("é", 150), "x" + strings.Repeat("é", 99) + "?"},
		"bidi":      {"a\u202eb", "a?b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			reg := new(stats.Registry)
			reg.Counter("c", "k", tt.value)
			if got := reg.Snapshot().Series[0].Labels[0].Value; got != tt.want {
				t.Errorf("%q became %q, want %q", tt.value, got, tt.want)
			}
		})
	}
}

// TestD1KeyExplosion is D1 of the threat model: what clients send does not
// grow the registry.
func TestD1KeyExplosion(t *testing.T) {
	reg := new(stats.Registry)
	before := heap()
	const paths = manyValues
	for i := range paths / 2 {
		reg.Counter("http.requests", "path", fmt.Sprintf("/user/%d", i)).Add(1)
	}
	for i := range paths / 2 {
		reg.Counter(fmt.Sprintf("host.%d", i)).Add(1)
	}
	snap := reg.Snapshot()
	if n := len(snap.Series); n > 10_000 {
		t.Errorf("%d series, want at most 10,000", n)
	}
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB, want at most 32", grown>>20)
	}
	if got := snap.Lookup("http.requests", "path", stats.Overflow); got != stats.Count(paths/2-100) {
		t.Errorf("the overflow of paths is %v, want %d", got, paths/2-100)
	}
	if got := snap.Lookup("overflow.counter"); got != stats.Count(paths/2-1999) {
		t.Errorf("the overflow of names is %v, want %d", got, paths/2-1999)
	}
	found := reg.Findings()
	if len(found) != 2 || found[0].Name != "http.requests" || found[0].Count != paths/2-100 || found[1].Count != paths/2-1999 {
		t.Errorf("Findings = %+v, want one for the paths and one for the names", found)
	}
}

func TestSeriesAreBounded(t *testing.T) {
	reg := &stats.Registry{Limits: stats.Limits{Series: 3}}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		reg.Distribution(name, "k", "v").Add(1)
	}
	v, ok := reg.Snapshot().Lookup("overflow.distribution").(*stats.DistributionSnapshot)
	if !ok || v.Count != 2 {
		t.Errorf("overflow = %v, want a distribution of 2 values", v)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestOverflowOfItsOwnName(t *testing.T) {
	reg := &stats.Registry{Limits: stats.Limits{PerName: 1}}
	reg.Counter("c", "k", stats.Overflow).Add(1) // sent by a client
	reg.Counter("c", "k", "x").Add(1)
	if got := reg.Snapshot().Lookup("c", "k", stats.Overflow); got != stats.Count(2) {
		t.Errorf("overflow = %v, want both", got)
	}
}

func TestUnit(t *testing.T) {
	for name, want := range map[string]string{
		"http.wait_seconds": "seconds", "a.b_bytes": "bytes", "accept.shed": "", "seconds": "", "a_seconds_x": "",
	} {
		if got := stats.Unit(name); got != want {
			t.Errorf("Unit(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	reg := new(stats.Registry)
	reg.Describe("c", "What it counts.")
	if got := reg.Help("c"); got != "What it counts." {
		t.Errorf("Help = %q", got)
	}
}
