package stats_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/support-go/support/stats"
)

// TestGaugesAreReportedAsTheyAre has levels whose differences are infinite, or
// too large beside what they should add up to.
func TestGaugesAreReportedAsTheyAre(t *testing.T) {
	reg := new(stats.Registry)
	g := reg.Gauge("g")
	reporter := stats.NewReporter(reg, "worker")
	var totals stats.Totals
	for _, level := range []float64{0.1, 1e17, 0.1, 0.1, math.MaxFloat64, -math.MaxFloat64, 0, 0.3} {
		g.Set(level)
		b, err := reporter.Next().MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var d stats.Delta
		for range 2 { // the second time changes nothing
			if err := errors.Join(d.UnmarshalBinary(b), totals.Apply(d)); err != nil {
				t.Fatalf("at %v: %v", level, err)
			}
		}
		reporter.Acknowledge(d.Sequence)
		if snap, err := totals.Snapshot(); err != nil || snap.Lookup("g") != stats.Level(level) {
			t.Errorf("the total is %v, %v; want %v", snap.Lookup("g"), err, level)
		}
	}
}

// TestOneSourceIsBounded has a process that reports ever more names.
func TestOneSourceIsBounded(t *testing.T) {
	totals := stats.Totals{Limits: stats.Limits{Series: 50}}
	var err error
	for n := uint64(1); n <= 20; n++ {
		reg := new(stats.Registry)
		for i := range 10 {
			reg.Counter(fmt.Sprint("n", n, ".", i)).Add(1)
		}
		err = errors.Join(err, totals.Apply(stats.Delta{Source: "mad", Sequence: n, Whole: n == 1, Snapshot: reg.Snapshot()}))
	}
	if err == nil {
		t.Error("200 series are no error, want at most 100")
	}
	if snap, _ := totals.Snapshot(); len(snap.Series) != 100 {
		t.Errorf("%d series are kept, want 100", len(snap.Series))
	}
}

// TestTheLivingSayWhatKind has a name become another kind with a new version
// of the program.
func TestTheLivingSayWhatKind(t *testing.T) {
	var totals stats.Totals
	old, fresh := new(stats.Registry), new(stats.Registry)
	old.Counter("open").Add(1)
	old.Counter("other").Add(1)
	fresh.Gauge("open").Set(5)
	fresh.Counter("other").Add(1)
	first := stats.NewReporter(old, "old").Next()
	if err := errors.Join(totals.Apply(first), totals.End("old"), totals.Apply(stats.NewReporter(fresh, "fresh").Next())); err != nil {
		t.Fatal(err)
	}
	snap, err := totals.Snapshot()
	if !errors.Is(err, stats.ErrKind) {
		t.Errorf("the error is %v, want an ErrKind", err)
	}
	if snap.Lookup("open") != stats.Level(5) || snap.Lookup("other") != stats.Count(2) {
		t.Errorf("got %v and %v, want 5 and 2", snap.Lookup("open"), snap.Lookup("other"))
	}
}
