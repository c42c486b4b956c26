package prefork

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const mib = 1 << 20

// watch notes how few workers serve at any time, until its function is called.
func (tr *trial) watch() (fewest func() int) {
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		least := maxWorkers
		for {
			if s, err := tr.State(tr.t.Context()); err == nil {
				least = min(least, len(s.serving()))
			}
			select {
			case <-stop:
				done <- least
				return
			case <-time.After(99 * time.Millisecond):
			}
		}
	}()
	return func() int { close(stop); return <-done }
}

// TestCycling: a worker that passes a mark is replaced, one at a time, by one
// that is ready before the other drains.
func TestCycling(t *testing.T) {
	tests := map[string]struct {
		marks  Cycling
		manner manner
		during time.Duration
		least  int // cycles
		most   int
		why    string
	}{
		"memory at once":        {Cycling{Memory: 200 * mib}, manner{memory: 20 * mib, leak: 50 * mib}, time.Minute, 15, 32, "its mark is 200.0 MiB"},
		"memory sustained":      {Cycling{Memory: 200 * mib}, manner{memory: 20 * mib, leak: 5 * mib}, time.Minute, 2, 3, "its mark is 200.0 MiB"},
		"memory below the mark": {Cycling{Memory: 200 * mib}, manner{memory: 150 * mib}, time.Minute, 0, 0, ""},
		"memory, of others":     {Cycling{Memory: 200 * mib}, manner{memory: 250 * mib, shared: 100 * mib}, time.Minute, 0, 0, ""},
		"memory beyond others'": {Cycling{Memory: 200 * mib}, manner{memory: 120 * mib, shared: 100 * mib, leak: 50 * mib}, time.Minute, 15, 32, "its mark is 200.0 MiB"},
		"no mark":               {Cycling{}, manner{memory: 20 * mib, leak: 50 * mib}, time.Minute, 0, 0, ""},
		"garbage":               {Cycling{}, manner{gc: 0.8}, time.Minute, 4, 10, "collecting garbage"},
		"no mark for garbage":   {Cycling{GC: -1}, manner{gc: 0.8}, time.Minute, 0, 0, ""},
		"files":                 {Cycling{}, manner{files: 950}, time.Minute, 4, 10, "950 files open of 1000"},
		"age":                   {Cycling{Age: time.Minute}, manner{}, 4 * time.Minute, 6, 8, "its mark is 1m0s"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.manner.readyAfter, test.manner.drainFor = time.Second/10, time.Second/10
				tr := begin(t, &Supervisor{Workers: 2, Helpers: []string{"meta"}, Limits: Limits{Cycling: test.marks}}, test.manner)
				<-tr.Ready()
				fewest := tr.watch()
				time.Sleep(test.during)
				least := fewest()
				s := tr.state()
				if s.Cycles < test.least || s.Cycles > test.most {
					t.Errorf("%d cycles; want %d to %d", s.Cycles, test.least, test.most)
				}
				if least < 2 || tr.world.most > 3 {
					t.Errorf("at least %d served and at most %d lived; want 2 and 3", least, tr.world.most)
				}
				for _, d := range s.Deaths {
					if !strings.Contains(d.Why, test.why) || !d.Expected || d.Vitals.At.IsZero() || (d.Vitals.Measure == PSS) != (test.manner.shared > 0) {
						t.Errorf("death: %q, expected %v, vitals %+v; want %q in it", d.Why, d.Expected, d.Vitals, test.why)
					}
				}
				tr.end()
			})
		})
	}
}

func TestCyclingByRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 1, Limits: Limits{Cycling: Cycling{Requests: 1000, Jitter: -1}}}, manner{})
		<-tr.Ready()
		s := tr.state()
		first := s.serving()[0]
		serve := func(n int) {
			page := tr.world.alive(first).page
			for range n {
				page.Begin()
				page.End()
			}
			time.Sleep(2 * time.Second)
		}
		serve(999)
		if s := tr.state(); s.Cycles != 0 {
			t.Errorf("cycled after 999 requests")
		}
		serve(1)
		if s := tr.state(); s.Cycles != 1 || !strings.Contains(s.Deaths[0].Why, "1000 requests") {
			t.Errorf("%d cycles after 1000 requests, deaths %+v", s.Cycles, s.Deaths)
		}
		tr.end()
	})
}

// TestLuck: workers that were started together do not all become old together.
func TestLuck(t *testing.T) {
	c := Cycling{Age: time.Hour, Jitter: 0.5}
	now := time.Now()
	tests := map[string]struct {
		luck float64
		age  time.Duration
		goes bool
	}{
		"the last, early":  {0, 59 * time.Minute, false},
		"the last":         {0, time.Hour, true},
		"the first, early": {1, 29 * time.Minute, false},
		"the first":        {1, 30 * time.Minute, true},
	}
	for name, test := range tests {
		p := &Process{Started: now.Add(-test.age), Luck: test.luck}
		if why := c.exceeded(p, now); (why != "") != test.goes {
			t.Errorf("%s: %q", name, why)
		}
	}
}

// TestCycleThatFails: the old worker serves on, and is not replaced in a hurry.
func TestCycleThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2, Limits: Limits{Cycling: Cycling{Memory: 100 * mib}}}, manner{memory: 60 * mib, leak: mib})
		<-tr.Ready()
		was := tr.state()
		before := was.serving()
		tr.world.behave(manner{readyAfter: -1, dieAfter: time.Millisecond})
		time.Sleep(10 * time.Minute)
		s := tr.state()
		if !slices.Equal(s.serving(), before) || tr.world.begun() < 10 || tr.world.begun() > 60 {
			t.Errorf("serving %v after %d starts; want %v and 10 to 60", s.serving(), tr.world.begun(), before)
		}
		tr.world.behave(manner{})
		time.Sleep(3 * longestDelay)
		if s = tr.state(); s.Cycles != 2 || s.Phase != GroupServing {
			t.Errorf("with a mended program: %d cycles in phase %q; want 2", s.Cycles, s.Phase)
		}
		tr.end()
	})
}

// TestDuringACycle does what comes in its way, at each of its steps.
func TestDuringACycle(t *testing.T) {
	acts := map[string]struct {
		act     func(tr *trial) error
		serving int
	}{
		"reload":        {func(tr *trial) error { return tr.Reload(tr.t.Context()) }, 2},
		"scale up":      {func(tr *trial) error { return tr.Scale(tr.t.Context(), 4) }, 4},
		"scale down":    {func(tr *trial) error { return tr.Scale(tr.t.Context(), 1) }, 1},
		"other marks":   {func(tr *trial) error { return tr.SetCycling(tr.t.Context(), Cycling{}) }, 2},
		"a death":       {func(tr *trial) error { return tr.kill(0) }, 2},
		"another death": {func(tr *trial) error { return tr.kill(2) }, 2},
	}
	for name, test := range acts {
		for _, ms := range []int{50, 500, 950, 1050, 1500, 2050} {
			moment := time.Duration(ms) * time.Millisecond
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, &Supervisor{Workers: 2}, manner{readyAfter: time.Second, drainFor: time.Second})
				<-tr.Ready()
				time.Sleep(time.Minute)
				if err := tr.SetCycling(t.Context(), Cycling{Age: time.Minute}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(moment)
				if err := test.act(tr); err != nil {
					t.Errorf("%s after %v: %v", name, moment, err)
				}
				time.Sleep(20 * time.Second)
				s := tr.state()
				if len(s.serving()) != test.serving || s.Phase != GroupServing || s.Cycle != nil {
					t.Errorf("%s after %v: serving %v in phase %q (%s); want %d", name, moment, s.serving(), s.Phase, s.Why, test.serving)
				}
				tr.end()
			})
		}
	}
}

// kill kills the n-th process of the list, if there are so many.
func (tr *trial) kill(n int) error {
	if s := tr.state(); n < len(s.Processes) {
		tr.world.alive(s.Processes[n].Serial).die(Exit{Code: -1, Signal: "SIGKILL"})
	}
	return nil
}

// TestLowMark: a mark that an empty worker passes is refused, with the figure.
func TestLowMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2, Limits: Limits{Cycling: Cycling{Memory: 10 * mib}}}, manner{memory: 9 * mib})
		err := <-tr.ended
		if err == nil || !strings.Contains(err.Error(), "needs 9.0 MiB: want at least 11.2 MiB") {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestGrownProgram: one that needs more since a reload is not cycled for ever.
func TestGrownProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 1, Limits: Limits{Cycling: Cycling{Memory: 100 * mib}}}, manner{memory: 9 * mib})
		<-tr.Ready()
		tr.world.behave(manner{memory: 110 * mib})
		if err := tr.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if s := tr.state(); s.Cycles != 0 {
			t.Errorf("%d cycles", s.Cycles)
		}
		tr.end()
	})
}

func TestScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2, Helpers: []string{"meta"}, Limits: Limits{Ceiling: 5}}, manner{drainFor: time.Second})
		<-tr.Ready()
		steps := []struct {
			do      func() error
			serving int
			refused string
		}{
			{func() error { return tr.Scale(t.Context(), 5) }, 5, ""},
			{func() error { return tr.Scale(t.Context(), 6) }, 5, "want from 1 to 5"},
			{func() error { return tr.ScaleBy(t.Context(), 1) }, 5, "want from 1 to 5"},
			{func() error { return tr.ScaleBy(t.Context(), -2) }, 3, ""},
			{func() error { return tr.Scale(t.Context(), 1) }, 1, ""},
			{func() error { return tr.ScaleBy(t.Context(), -1) }, 1, "want from 1 to 5"},
			{func() error { return tr.Scale(t.Context(), -1) }, 1, "want from 1 to 5"},
			{func() error { return tr.ScaleBy(t.Context(), 1) }, 2, ""},
		}
		for i, step := range steps {
			err := step.do()
			if (err == nil) != (step.refused == "") || err != nil && !strings.Contains(err.Error(), step.refused) {
				t.Errorf("step %d: %v", i, err)
			}
			time.Sleep(5 * time.Second)
			if s := tr.state(); len(s.serving()) != step.serving || s.Phase != GroupServing {
				t.Errorf("step %d: %d serve in phase %q; want %d", i, len(s.serving()), s.Phase, step.serving)
			}
		}
		if s := tr.state(); s.count("meta", Serving) != 1 {
			t.Error("the helper has gone")
		}
		tr.end()
	})
}

// TestCrashLoopOfMany: a release that exits at start is tried no more often for
// there being many workers.
func TestCrashLoopOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 16}, manner{readyAfter: -1, dieAfter: time.Millisecond})
		time.Sleep(time.Minute)
		if n := tr.world.begun(); n < 5 || n > 12 {
			t.Errorf("%d starts in the first minute; want 5 to 12", n)
		}
		tr.world.behave(manner{})
		time.Sleep(longestDelay + time.Second)
		if s := tr.state(); len(s.serving()) != 16 || s.Phase != GroupServing {
			t.Errorf("with a mended program %d serve in phase %q", len(s.serving()), s.Phase)
		}
		tr.end()
	})
}

func TestGCPart(t *testing.T) {
	tests := map[string]struct {
		before, after work
		want          float64
	}{
		"half":       {work{1, 1}, work{3, 2}, 0.5},
		"idle":       {work{1, 1}, work{1.001, 1.001}, 0},
		"none":       {work{1, 1}, work{2, 1}, 0},
		"backwards":  {work{5, 5}, work{1, 1}, 0},
		"impossible": {work{0, 0}, work{1, 1e300}, 1},
	}
	for name, test := range tests {
		if got := gcPart(test.before, test.after, time.Second); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestRetire has a worker ask to be replaced: once, and not before it has served
// for a while, however often it says so.
func TestRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2}, manner{})
		<-tr.Ready()
		s := tr.state()
		first := s.serving()
		b := tr.world.alive(first[0])
		for range 100 {
			_ = writeMessage(b.link, message{Worn: "memory is short\x1b[2J"})
		}
		time.Sleep(9 * time.Second)
		if s = tr.state(); s.Cycles != 0 || len(s.serving()) != 2 {
			t.Errorf("%d cycles, %v serve; want both to for 10 s", s.Cycles, s.serving())
		}
		time.Sleep(5 * time.Second)
		s = tr.state()
		if s.Cycles != 1 || len(s.Deaths) != 1 || s.Deaths[0].Serial != first[0] || !s.Deaths[0].Expected || !strings.Contains(s.Deaths[0].Why, "asks to be replaced: memory is short") {
			t.Errorf("%d cycles, deaths: %+v; want one of worker %d", s.Cycles, s.Deaths, first[0])
		}
		if len(s.serving()) != 2 || slices.Contains(s.serving(), first[0]) || !slices.Contains(s.serving(), first[1]) {
			t.Errorf("%v serve, at first %v; want the first one replaced", s.serving(), first)
		}
		tr.end()
	})
}
