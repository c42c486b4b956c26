package stats_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/support-go/support/stats"
)

// approx lets floating point differ by what moments and levels may.
var approx = cmp.Options{
	quick,
	cmp.Comparer(func(a, b float64) bool { return near(a, b, 0) }),
	cmp.Comparer(func(a, b stats.Level) bool { return near(float64(a), float64(b), 0) }),
	cmp.Comparer(func(a, b stats.Moments) bool {
		spread := math.Sqrt(a.M2)
		return a.Count == b.Count && near(a.Mean, b.Mean, spread) && near(a.M2, b.M2, a.Mean*a.Mean) &&
			near(a.M3, b.M3, spread*spread*spread) && near(a.M4, b.M4, a.M2*a.M2)
	}),
}

// quick compares registers, which cmp is slow at.
var quick = cmp.Comparer(bytes.Equal)

// near compares relative to the larger of a, b and scale.
func near(a, b, scale float64) bool {
	return a == b || math.Abs(a-b) <= 1e-6*max(1e-3, math.Abs(a), math.Abs(b), scale)
}

// use draws what a program might do with the instruments of reg.
func use(t *rapid.T, reg *stats.Registry, label string, from int64) {
	value := rapid.OneOf(
		rapid.Float64Range(-100, 100),
		rapid.SampledFrom([]float64{0, 1e-30, 1e3, -1e3, math.NaN(), math.Inf(1)}),
	)
	key := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	states := reg.States("s")
	at := time.Unix(from, 0)
	for range rapid.IntRange(0, 40).Draw(t, label) {
		at = at.Add(time.Second)
		k := key.Draw(t, "key")
		switch rapid.IntRange(0, 8).Draw(t, "what") {
		case 0:
			reg.Counter("c", "k", k).Add(rapid.Int64Range(-5, 100).Draw(t, "n"))
		case 1:
			reg.Gauge("g").Set(value.Draw(t, "level"))
		case 8:
			reg.Peak("p").Reach(value.Draw(t, "peak"))
		case 2:
			reg.Rate("r").TickAt(at)
		case 3:
			reg.Distribution("d_seconds").AddAt(value.Draw(t, "value"), at)
		case 4:
			visit := states.Enter(states.State(k))
			visit.TransitionAt(states.State(key.Draw(t, "to")), at)
		case 5:
			reg.Top("t").AddWeight(k, rapid.Int64Range(1, 9).Draw(t, "weight"))
		case 6:
			reg.Cardinality("n").Add(k)
		case 7:
			reg.Distribution("d_seconds").AddN(value.Draw(t, "value"), rapid.Uint64Range(0, 99).Draw(t, "times"))
		}
	}
}

func drawSnapshot(t *rapid.T, label string) stats.Snapshot {
	reg := &stats.Registry{Secret: [16]byte{1}}
	use(t, reg, label, 1_800_000_000)
	return reg.Snapshot()
}

func merged(t interface{ Fatal(...any) }, all ...stats.Snapshot) stats.Snapshot {
	var sum stats.Snapshot
	for _, s := range all {
		if err := sum.Merge(s); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

func TestMergeIsCommutativeAndAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawSnapshot(t, "a"), drawSnapshot(t, "b"), drawSnapshot(t, "c")
		if d := cmp.Diff(merged(t, a, b), merged(t, b, a), approx); d != "" {
			t.Fatalf("a+b is not b+a:\n%s", d)
		}
		if d := cmp.Diff(merged(t, merged(t, a, b), c), merged(t, a, merged(t, b, c)), approx); d != "" {
			t.Fatalf("(a+b)+c is not a+(b+c):\n%s", d)
		}
	})
}

func TestMergeLeavesItsArgumentAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSnapshot(t, "a"), drawSnapshot(t, "b")
		before, err := b.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		sum := merged(t, b, a, a)
		merged(t, sum, sum)
		if after, _ := b.MarshalBinary(); string(after) != string(before) {
			t.Fatal("merging b into something changed b")
		}
	})
}

func TestDeltaAndBaseAreTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reg := &stats.Registry{Secret: [16]byte{1}}
		use(t, reg, "before", 1_800_000_000)
		base := reg.Snapshot()
		use(t, reg, "after", 1_800_001_000)
		total := reg.Snapshot()
		if d := cmp.Diff(decayed(total), decayed(merged(t, base, total.Sub(base))), approx); d != "" {
			t.Fatalf("total is not base + delta:\n%s", d)
		}
	})
}

// decayed brings all averages to the time of the snapshot: those that have not
// changed since base are at base's.
func decayed(s stats.Snapshot) stats.Snapshot {
	now := &stats.DistributionSnapshot{AveragesAt: s.At}
	for _, series := range s.Series {
		switch v := series.Value.(type) {
		case *stats.DistributionSnapshot:
			v.Merge(now)
		case *stats.RateSnapshot:
			v.Gaps.Merge(now)
		case *stats.StatesSnapshot:
			for _, st := range v.States {
				st.Stays.Merge(now)
			}
		}
	}
	return s
}

func TestBinaryFormIsIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reg := &stats.Registry{Secret: [16]byte{1}}
		use(t, reg, "before", 1_800_000_000)
		base := reg.Snapshot()
		use(t, reg, "after", 1_800_001_000)
		for _, want := range []stats.Snapshot{base, reg.Snapshot().Sub(base)} {
			b, err := want.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var got stats.Snapshot
			if err := got.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got, quick); d != "" {
				t.Fatalf("decoded is not what was encoded:\n%s", d)
			}
		}
	})
}

// TestMergeIsTheStatisticOfTheUnion compares with one instrument that has
// seen everything.
func TestMergeIsTheStatisticOfTheUnion(t *testing.T) {
	values := sample("log-normal", 10_000)
	whole := added(values...)
	parts := &stats.DistributionSnapshot{}
	for i := 0; i < len(values); i += 1234 {
		parts.Merge(added(values[i:min(i+1234, len(values))]...))
	}
	if parts.Count != whole.Count || parts.Min.Value != whole.Min.Value || parts.Max.Value != whole.Max.Value {
		t.Errorf("count, min, max = %d, %v, %v; want %d, %v, %v",
			parts.Count, parts.Min.Value, parts.Max.Value, whole.Count, whole.Min.Value, whole.Max.Value)
	}
	if d := cmp.Diff(whole.Positive, parts.Positive); d != "" {
		t.Errorf("buckets differ:\n%s", d)
	}
	checkMoments(t, parts, values)
}

func TestMergeRefusesWhatDoesNotBelongTogether(t *testing.T) {
	snapshot := func(secret byte, f func(*stats.Registry)) stats.Snapshot {
		reg := &stats.Registry{Secret: [16]byte{secret}}
		f(reg)
		reg.Counter("z").Add(1)
		return reg.Snapshot()
	}
	counter := snapshot(1, func(r *stats.Registry) { r.Counter("a").Add(1) })
	gauge := snapshot(1, func(r *stats.Registry) { r.Gauge("a").Add(1) })
	ours := snapshot(1, func(r *stats.Registry) { r.Cardinality("a").Add("x") })
	theirs := snapshot(2, func(r *stats.Registry) { r.Cardinality("a").Add("x") })
	tests := map[string]struct {
		a, b stats.Snapshot
		want error
	}{
		"kinds":   {counter, gauge, stats.ErrKind},
		"secrets": {ours, theirs, stats.ErrSecret},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sum := merged(t, tt.a)
			if err := sum.Merge(tt.b); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if d := cmp.Diff(tt.a.Lookup("a"), sum.Lookup("a")); d != "" {
				t.Errorf("what was there has changed:\n%s", d)
			}
			if got := sum.Lookup("z"); got != stats.Count(2) {
				t.Errorf("the other series is %v, want 2", got)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	reg := new(stats.Registry)
	reg.Counter("c", "b", "2", "a", "1").Add(7)
	snap := reg.Snapshot()
	if got := snap.Lookup("c", "a", "1", "b", "2"); got != stats.Count(7) {
		t.Errorf("Lookup = %v, want 7", got)
	}
	if got := snap.Lookup("c"); got != nil {
		t.Errorf("Lookup without labels = %v, want nil", got)
	}
}

func TestCountersMergeWithoutOverflow(t *testing.T) {
	reg := new(stats.Registry)
	reg.Counter("c").Add(math.MaxInt64)
	sum := merged(t, reg.Snapshot(), reg.Snapshot())
	if got := sum.Lookup("c"); got != stats.Count(math.MaxInt64) {
		t.Errorf("sum = %v, want the largest Count", got)
	}
}

func TestKindNames(t *testing.T) {
	if got := fmt.Sprint(stats.KindCounter, stats.KindCardinality, stats.Kind(99)); got != "counter cardinality kind(99)" {
		t.Errorf("kinds are printed as %q", got)
	}
}
