package stats_test

import (
	"math"
	"sync"
	"testing"

	"github.com/support-go/support/stats"
)

func TestPeakKeepsTheGreatest(t *testing.T) {
	var p stats.Peak
	for _, step := range []struct{ reach, want float64 }{
		{-1, 0}, {math.NaN(), 0}, {math.Inf(1), 0}, {2, 2}, {1, 2}, {2.5, 2.5}, {math.Inf(-1), 2.5}, {0, 2.5},
	} {
		if p.Reach(step.reach); p.Value() != step.want {
			t.Errorf("after %v it is %v, want %v", step.reach, p.Value(), step.want)
		}
	}
}

func TestPeakUnderConcurrency(t *testing.T) {
	var p stats.Peak
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 1000 {
				p.Reach(float64(j*8 + i))
			}
		})
	}
	all.Wait()
	if p.Value() != 7999 {
		t.Errorf("it is %v, want 7999", p.Value())
	}
}

// TestPeaksOfProcesses has a peak that no longer rises stay in the totals.
func TestPeaksOfProcesses(t *testing.T) {
	var totals stats.Totals
	for source, peaks := range map[string][]float64{"a": {3, 3, 5, 5}, "b": {4, 4, 4, 4}} {
		var reg stats.Registry
		reporter := stats.NewReporter(&reg, source)
		for _, v := range peaks {
			reg.Peak("p").Reach(v)
			d := reporter.Next()
			if err := totals.Apply(d); err != nil {
				t.Fatal(err)
			}
			reporter.Acknowledge(d.Sequence)
		}
	}
	if err := totals.End("a"); err != nil {
		t.Fatal(err)
	}
	if sum, err := totals.Snapshot(); err != nil || sum.Lookup("p") != stats.Greatest(5) {
		t.Errorf("the peak of all is %v, %v; want 5", sum.Lookup("p"), err)
	}
}
