package stats_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/support-go/support/stats"
)

// busy is a snapshot with some of everything.
func busy() stats.Snapshot {
	reg := &stats.Registry{Secret: [16]byte{1}}
	reg.Counter("c", "k", "v").Add(300)
	reg.Gauge("g_bytes").Set(1.5)
	reg.Peak("p").Reach(2.5)
	for _, v := range []float64{-2, 0, 0.001, 0.002, 1e30} {
		reg.Distribution("d_seconds").Add(v)
	}
	reg.Rate("r").Tick()
	reg.Rate("r").Tick()
	states := reg.States("s")
	visit := states.Enter(states.State("read"))
	visit.Transition(states.State("work"))
	reg.Top("t").Add("key")
	reg.Cardinality("n").Add("key")
	return reg.Snapshot()
}

func TestCorruptSnapshotsAreRefused(t *testing.T) {
	good, err := busy().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		b    []byte
		text string
	}{
		"empty":           {nil, "empty"},
		"another version": {append([]byte{2}, good[1:]...), "version 2 is unknown"},
		"more behind":     {append(bytes.Clone(good), 0), "behind the end"},
		"many series":     {[]byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}, "too many"},
		"endless number":  {append([]byte{1}, bytes.Repeat([]byte{0xff}, 20)...), "too long"},
		"unknown kind":    {[]byte{1, 0, 1, 1, 'a', 0, 99}, "unknown kind 99"},
		"bad name":        {[]byte{1, 0, 1, 1, '\n', 0, 1, 1}, "bad name"},
		"out of order":    {[]byte{1, 0, 2, 1, 'b', 0, 1, 1, 1, 'a', 0, 1, 1}, "out of order"},
		"unclean label":   {[]byte{1, 0, 1, 1, 'a', 1, 1, 'k', 1, '\n', 1, 1}, "not clean"},
		"wrong count":     {encode(t, wrongCount), "count is not that of the buckets"},
		"unclean state":   {encode(t, uncleanState), "not clean"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s stats.Snapshot
			err := s.UnmarshalBinary(tt.b)
			if !errors.Is(err, stats.ErrFormat) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want an ErrFormat that says %q", err, tt.text)
			}
			if s.Series != nil {
				t.Error("the snapshot was changed")
			}
		})
	}
}

// Values that no instrument makes, and that exports would stumble over.
var (
	wrongCount   = &stats.DistributionSnapshot{Moments: stats.Moments{Count: 2}, Zeros: 1}
	uncleanState = &stats.StatesSnapshot{States: []stats.StateSnapshot{{Name: "\xff", Stays: new(stats.DistributionSnapshot)}}}
)

func encode(t *testing.T, v stats.Value) []byte {
	t.Helper()
	b, err := stats.Snapshot{Series: []stats.Series{{Name: "a", Value: v}}}.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTruncatedSnapshotsAreRefused(t *testing.T) {
	good, err := busy().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(good); n += 1 + n/300 {
		var s stats.Snapshot
		if err := s.UnmarshalBinary(good[:n]); !errors.Is(err, stats.ErrFormat) {
			t.Fatalf("the first %d of %d bytes gave %v, want an ErrFormat", n, len(good), err)
		}
	}
}

func TestLongSnapshotsAreRefusedUnread(t *testing.T) {
	var s stats.Snapshot
	if err := s.UnmarshalBinary(make([]byte, stats.MaxBinary+1)); !errors.Is(err, stats.ErrFormat) {
		t.Errorf("got %v, want an ErrFormat", err)
	}
}

func FuzzSnapshot(f *testing.F) {
	for _, series := range busy().Series { // one at a time mutates better
		good, err := stats.Snapshot{Series: []stats.Series{series}}.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(good)
	}
	f.Add([]byte{1, 0, 1, 1, 'a', 0, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s stats.Snapshot
		if got := allocated(func() { _ = s.UnmarshalBinary(b) }); got > 64*uint64(len(b))+1<<16 {
			t.Errorf("%d bytes made the decoder take %d", len(b), got)
		}
		again, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var twice stats.Snapshot
		if s.Series != nil {
			if err := twice.UnmarshalBinary(again); err != nil {
				t.Fatalf("what was decoded cannot be encoded: %v", err)
			}
		}
		// Nothing that can be decoded may make any of this panic.
		s.Sub(twice)
		_ = twice.Merge(s)
		_ = s.String()
	})
}

func FuzzDelta(f *testing.F) {
	for _, series := range busy().Series {
		snap := stats.Snapshot{Series: []stats.Series{series}}
		good, err := stats.Delta{Source: "worker", Sequence: 1, Whole: true, Snapshot: snap}.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(good)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d stats.Delta
		if err := d.UnmarshalBinary(b); err != nil {
			return
		}
		var totals stats.Totals
		if totals.Apply(d) == nil {
			_ = totals.Apply(d)
			_ = totals.End(d.Source)
		}
		_, _ = totals.Snapshot()
	})
}

func FuzzTotals(f *testing.F) {
	for _, series := range busy().Series {
		var totals stats.Totals
		for _, source := range []string{"a", "b"} {
			d := stats.Delta{Source: source, Sequence: 1, Whole: true, Snapshot: stats.Snapshot{Series: []stats.Series{series}}}
			if err := totals.Apply(d); err != nil {
				f.Fatal(err)
			}
		}
		if err := totals.End("a"); err != nil {
			f.Fatal(err)
		}
		good, err := totals.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(good)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var totals stats.Totals
		if totals.UnmarshalBinary(b) != nil {
			return
		}
		for _, source := range totals.Sources() {
			_ = totals.End(source)
		}
		_, _ = totals.Snapshot()
	})
}

// allocated is how many bytes f allocates, with what the runtime itself does
// meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
