package stats_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/stats"
)

func TestStatesFollowTheirVisitors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		states := new(stats.Registry).States("conn")
		read, work := states.State("read"), states.State("work")
		visits := make([]stats.Visitor, 10)
		for i := range visits {
			visits[i] = states.Enter(read)
		}
		time.Sleep(time.Second)
		for i := range 6 {
			visits[i].Transition(work)
		}
		time.Sleep(2 * time.Second)
		for i := range 2 {
			visits[i].Leave()
			visits[i].Transition(read) // after Leave nothing counts
		}
		snap := states.Snapshot()
		for name, want := range map[string]struct {
			present int64
			seconds float64
			left    uint64
		}{
			"read":    {4, 10*1 + 4*2, 6},
			"work":    {4, 6 * 2, 2},
			"unknown": {0, 0, 0},
		} {
			got := snap.State(name)
			if got.Present != want.present || got.Seconds() != want.seconds || got.Stays.Count != want.left {
				t.Errorf("%s: present, seconds, left = %d, %v, %d; want %+v", name, got.Present, got.Seconds(), got.Stays.Count, want)
			}
		}
		want := []stats.Move{{From: "", To: "read", Count: 10}, {From: "read", To: "work", Count: 6}, {From: "work", To: "", Count: 2}}
		if fmt.Sprint(snap.Moves) != fmt.Sprint(want) {
			t.Errorf("Moves = %v, want %v", snap.Moves, want)
		}
		if got := snap.Rate("read", "work"); got != 6.0/18 {
			t.Errorf("Rate = %v, want 6 in 18 seconds", got)
		}
	})
}

func TestTooManyStatesAreOne(t *testing.T) {
	states := new(stats.Registry).States("s")
	for i := range 100 {
		visit := states.Enter(states.State(fmt.Sprint(i)))
		visit.Leave()
	}
	snap := states.Snapshot()
	if len(snap.States) != stats.MaxStates {
		t.Errorf("%d states, want %d", len(snap.States), stats.MaxStates)
	}
	if got := snap.Count("", stats.Overflow); got != 100-stats.MaxStates+1 {
		t.Errorf("%d went to overflow, want %d", got, 100-stats.MaxStates+1)
	}
}

func TestZeroVisitorDoesNothing(t *testing.T) {
	var v stats.Visitor
	v.Transition(3)
	v.TransitionAt(3, time.Now())
	v.Leave()
}

func TestClockStepsBackwards(t *testing.T) {
	reg := new(stats.Registry)
	states, rate := reg.States("s"), reg.Rate("r")
	now := time.Now()
	visit := states.Enter(states.State("a"))
	for _, step := range []time.Duration{time.Hour, -2 * time.Hour, time.Minute} {
		now = now.Add(step)
		visit.TransitionAt(states.State("a"), now)
		rate.TickAt(now)
	}
	if got := states.Snapshot().State("a").Stays.Min.Value; got < 0 {
		t.Errorf("somebody stayed for %v seconds", got)
	}
	if got := rate.Snapshot().Gaps.Min.Value; got < 0 {
		t.Errorf("there is a gap of %v seconds", got)
	}
}

func TestRateMeasuresGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rate := new(stats.Registry).Rate("r")
		if got := rate.Snapshot(); got.Ticks != 0 || got.PerSecond() != 0 {
			t.Errorf("without ticks: %+v", got)
		}
		for i := range 11 {
			rate.Tick()
			time.Sleep(time.Duration(i%2+1) * 100 * time.Millisecond)
		}
		snap := rate.Snapshot()
		if snap.Ticks != 11 || snap.Gaps.Count != 10 {
			t.Errorf("Ticks, gaps = %d, %d; want 11, 10", snap.Ticks, snap.Gaps.Count)
		}
		if got := snap.PerSecond(); got < 6.66 || got > 6.67 {
			t.Errorf("PerSecond = %v, want 10 in 1.5 s", got)
		}
		if snap.Gaps.Min.Value != 0.1 || snap.Gaps.Max.Value != 0.2 {
			t.Errorf("gaps are from %v to %v, want 0.1 to 0.2", snap.Gaps.Min.Value, snap.Gaps.Max.Value)
		}
	})
}

func TestZeroSnapshotsMerge(t *testing.T) {
	reg := new(stats.Registry)
	rate, states := reg.Rate("r"), reg.States("s")
	rate.Tick()
	states.Enter(states.State("a"))
	var r stats.RateSnapshot
	r.Merge(&stats.RateSnapshot{})
	r.Merge(rate.Snapshot())
	var s stats.StatesSnapshot
	s.Merge(&stats.StatesSnapshot{})
	s.Merge(states.Snapshot())
	if r.Ticks != 1 || s.State("a").Present != 1 {
		t.Errorf("got %+v and %+v, want one tick and one present", r, s)
	}
}

// TestStatesAtKnownTimes follows somebody afterwards, by times that were noted.
func TestStatesAtKnownTimes(t *testing.T) {
	states := new(stats.Registry).States("x.states")
	wait, work := states.State("wait"), states.State("work")
	now := time.Now()
	v := states.EnterAt(wait, now.Add(-5*time.Second))
	v.TransitionAt(work, now.Add(-3*time.Second))
	v.LeaveAt(now.Add(-2 * time.Second))
	v.LeaveAt(now) // does nothing
	s := states.Snapshot()
	for name, want := range map[string]float64{"wait": 2, "work": 1} {
		if got := s.State(name); got.Present != 0 || got.Stays.Count != 1 || math.Abs(got.Stays.Sum-want) > 1e-6 {
			t.Errorf("%s: %+v, want one stay of %v s", name, got, want)
		}
	}
	if s.Count("wait", "work") != 1 || s.Count("work", "") != 1 {
		t.Errorf("moves: %+v", s.Moves)
	}
}
