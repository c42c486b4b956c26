package prefork

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestCycleByCommand: a worker that somebody wants to have replaced is drained
// when another one is ready, and its slot never stays empty.
func TestCycleByCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2, Helpers: []string{"meta"}}, manner{readyAfter: time.Second, drainFor: time.Second})
		<-tr.Ready()
		before := tr.state()
		old := before.serving()
		fewest := tr.watch()
		refused := map[string]struct {
			slot int
			want string
		}{
			"no such slot": {9, "there is no worker 9"},
			"a helper":     {3, "there is no worker 3"},
			"not a slot":   {-1, "there is no worker -1"},
		}
		for name, test := range refused {
			if err := tr.Cycle(t.Context(), test.slot); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", name, err, test.want)
			}
		}
		if err := tr.Cycle(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if err := tr.Cycle(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "busy") {
			t.Errorf("a second one at the same time: %v, want ErrBusy", err)
		}
		time.Sleep(10 * time.Second)
		now := tr.state()
		if least := fewest(); least < 2 || now.Cycles != 1 || len(now.Deaths) != 1 || now.Deaths[0].Slot != 2 || !now.Deaths[0].Expected {
			t.Errorf("at least %d served; %d cycles, deaths %+v; want 2, one cycle, and the worker in slot 2", least, now.Cycles, now.Deaths)
		}
		if fresh := now.serving(); len(fresh) != 2 || fresh[0] != old[0] || fresh[1] == old[1] {
			t.Errorf("%v serve, before it were %v; want the second replaced alone", fresh, old)
		}
		tr.end()
	})
}

// TestStopByCommand: it drains, and Run returns as after the end of its ctx.
func TestStopByCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2}, manner{drainFor: time.Second})
		<-tr.Ready()
		if err := tr.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s, err := tr.State(t.Context()); err == nil && s.Phase != GroupStopping {
			t.Errorf("the group is %s, want stopping", s.Phase)
		}
		tr.end()
		if err := tr.Stop(t.Context()); err == nil {
			t.Error("a stop after the end is no error")
		}
	})
}
