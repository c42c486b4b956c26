package prefork

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/internal/ledger"
)

// A world is a simulated operating system: its processes do as their manner
// says, and its clock is that of the bubble.
type world struct {
	mu       sync.Mutex
	manner   manner         // of those that are started from now on
	starts   []time.Time    // of processes
	lives    map[int]*being // by serial
	most     int            // workers at once
	refusals int            // times that connections began to be refused
	refusing bool
	waiting  bool           // connections, for workers
	taken    map[int]uint64 // connections, by seat
}

// manner is how a process behaves.
type manner struct {
	readyAfter time.Duration // 0: at once; below 0: never
	failure    string        // said instead of getting ready, before it exits
	dieAfter   time.Duration // after its start; 0: not by itself
	drainFor   time.Duration // from the order until it exits; below 0: for ever
	memory     int64         // that it uses at first
	shared     int64         // of that, by others as well
	leak       int64         // bytes a second
	files      int           // that it has open
	gc         float64       // part of its CPU time that goes into collecting garbage
	frozen     bool          // it answers nothing, and no signal but the last
	deaf       bool          // it does not die of being asked for its stacks
}

// being is a process of the world.
type being struct {
	manner
	role    string
	link    net.Conn
	page    *ledger.Page
	exit    chan Exit // has room for one
	heard   chan hint // has room for all
	freeze  chan struct{}
	started time.Time
}

func (w *world) spawn(_ *State, p Process) (*child, error) {
	near, far := net.Pipe()
	w.mu.Lock()
	defer w.mu.Unlock()
	b := &being{manner: w.manner, role: p.Role, link: far, page: ledger.New(), exit: make(chan Exit, 1), heard: make(chan hint, 8), freeze: make(chan struct{}), started: time.Now()}
	w.starts = append(w.starts, b.started)
	w.lives[p.Serial] = b
	w.most = max(w.most, w.workers())
	gone := make(chan struct{})
	go b.live()
	return &child{
		last: func() string { return "the end" },
		pid:  1000 + p.Serial, link: near, page: b.page,
		signal: func(h hint) { b.hear(h) },
		wait: func() Exit {
			e := <-b.exit
			w.mu.Lock()
			delete(w.lives, p.Serial)
			w.mu.Unlock()
			close(gone)
			_ = far.Close()
			return e
		},
		output:  func() string { return "goroutine 1 [running]" },
		release: func() { <-gone; _ = near.Close() },
	}, nil
}

// look is what the kernel would tell.
func (w *world) look(pid int) (Vitals, error) {
	b := w.alive(pid - 1000)
	if b == nil {
		return Vitals{}, fs.ErrNotExist
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return Vitals{Measure: RSS, Memory: b.memory + int64(float64(b.leak)*time.Since(b.started).Seconds()), Files: b.files, MaxFiles: 1000}, nil
}

// turns are the connections that whoever has a seat has taken.
func (w *world) turns(seat int) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken[seat]
}

// connect brings connections that somebody in one of the seats takes.
func (w *world) connect(n uint64, seats ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, seat := range seats {
		w.taken[seat] += n
	}
}

// begun is how many processes have been started.
func (w *world) begun() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.starts)
}

// door says whether connections are refused, and how often that has begun.
func (w *world) door() (refusing bool, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refusing, w.refusals
}

// workers counts those alive; the caller holds mu.
func (w *world) workers() int {
	n := 0
	for _, b := range w.lives {
		if b.role == WorkerRole {
			n++
		}
	}
	return n
}

func (w *world) alive(serial int) *being {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[serial]
}

func (w *world) behave(m manner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.manner = m
}

func (b *being) die(e Exit) {
	select {
	case b.exit <- e:
	default:
	}
}

func (b *being) hear(h hint) {
	b.heard <- h
	switch {
	case h == kill:
		b.die(Exit{Code: -1, Signal: "SIGKILL"})
	case h == dump && !b.deaf && !b.frozen:
		b.die(Exit{Code: 2})
	}
}

// live reads the link as a real worker does.
func (b *being) live() {
	if b.dieAfter > 0 {
		time.AfterFunc(b.dieAfter, func() { b.die(Exit{Code: 1}) })
	}
	said := make(chan message, 100)
	over := make(chan struct{})
	defer close(over)
	go func() { // writes never wait for what is read
		for {
			select {
			case m := <-said:
				_ = writeMessage(b.link, m)
			case <-over:
				return
			}
		}
	}()
	say := func(m message) { said <- m }
	if b.readyAfter >= 0 {
		time.AfterFunc(b.readyAfter, func() {
			if b.failure != "" {
				say(message{Failed: b.failure})
				time.AfterFunc(time.Millisecond, func() { b.die(Exit{Code: 1}) })
				return
			}
			say(message{Ready: true})
		})
	}
	_ = messages(b.link, func(m message) {
		select {
		case <-b.freeze:
			return
		default:
		}
		switch {
		case b.frozen:
		case m.Ping:
			busy := time.Since(b.started).Seconds()
			say(message{Pong: true, Work: work{Busy: busy, GC: b.gc * busy}})
		case m.Now:
			b.die(Exit{})
		case m.Drain != "" && b.drainFor >= 0:
			time.AfterFunc(b.drainFor, func() { b.die(Exit{}) })
		}
	})
}

// trial is a supervisor in a world.
type trial struct {
	*Supervisor
	t     *testing.T
	world *world
	stop  context.CancelFunc
	ended chan error
}

// begin runs a supervisor with a helper in the world, inside a bubble.
func begin(t *testing.T, s *Supervisor, m manner) *trial {
	t.Helper()
	s.Name, s.Log = "trial", slog.New(slog.DiscardHandler)
	s.init()
	w := &world{manner: m, lives: make(map[int]*being), taken: make(map[int]uint64)}
	l := s.loop(nil, share{})
	l.sys = system{
		spawn: w.spawn,
		refuse: func([]Bound) func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refusals++
			w.refusing = true
			return func() { w.mu.Lock(); w.refusing = false; w.mu.Unlock() }
		},
		close:  func([]Bound) {},
		notify: func(string) {},
		look:   w.look,
		weigh: func(pid int) (int64, error) {
			v, err := w.look(pid)
			if b := w.alive(pid - 1000); b != nil && b.shared > 0 {
				return v.Memory - b.shared, err
			}
			return 0, errors.ErrUnsupported
		},
		mend:  func([]Bound) []string { return nil },
		turns: w.turns,
		waits: func([]Bound) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.waiting
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	tr := &trial{Supervisor: s, t: t, world: w, stop: stop, ended: make(chan error, 1)}
	go func() {
		err := l.run(ctx, s.commands)
		close(s.stopped)
		tr.ended <- err
	}()
	return tr
}

// end stops the group and wants it to end well.
func (tr *trial) end() {
	tr.t.Helper()
	tr.stop()
	if err := <-tr.ended; err != nil {
		tr.t.Errorf("Run: %v", err)
	}
}

func (tr *trial) state() State {
	tr.t.Helper()
	synctest.Wait()
	s, err := tr.State(tr.t.Context())
	if err != nil {
		tr.t.Fatal(err)
	}
	return s
}

// serving gives the serials of the workers that serve.
func (s *State) serving() []int {
	var serials []int
	for _, p := range s.Processes {
		if p.Role == WorkerRole && p.Phase == Serving {
			serials = append(serials, p.Serial)
		}
	}
	return serials
}

func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 3, Helpers: []string{"meta"}}, manner{readyAfter: 100 * time.Millisecond})
		began := time.Now()
		<-tr.Ready()
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("ready after %v; want 300ms: one unproven worker at a time", took)
		}
		s := tr.state()
		if len(s.serving()) != 3 || s.Phase != GroupServing || len(s.Processes) != 4 {
			t.Errorf("got %d workers serving, %d processes, phase %q", len(s.serving()), len(s.Processes), s.Phase)
		}
		tr.end()
	})
}

func TestDeadWorkerIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2}, manner{})
		<-tr.Ready()
		time.Sleep(5 * time.Second)
		s := tr.state()
		victim := s.serving()[0]
		killed := time.Now()
		tr.world.alive(victim).die(Exit{Code: -1, Signal: "SIGKILL"})
		s = tr.state()
		if n := len(s.serving()); n != 2 || slices.Contains(s.serving(), victim) || !time.Now().Equal(killed) {
			t.Errorf("after %v: serving %v; want two others than %d at once", time.Since(killed), s.serving(), victim)
		}
		if len(s.Deaths) != 1 || s.Deaths[0].Why != "killed by SIGKILL" || s.Deaths[0].Expected {
			t.Errorf("deaths: %+v", s.Deaths)
		}
		tr.end()
	})
}

// TestW5CrashLoop: a release that exits as it starts.
func TestW5CrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 1}, manner{readyAfter: -1, dieAfter: time.Millisecond})
		time.Sleep(time.Minute)
		s := tr.state()
		if n := tr.world.begun(); n < 5 || n > 12 {
			t.Errorf("%d starts in the first minute; want 5 to 12", n)
		}
		if s.Phase != GroupCrashLooping || s.Why == "" {
			t.Errorf("phase %q, %q; want %q with a reason", s.Phase, s.Why, GroupCrashLooping)
		}
		time.Sleep(time.Hour)
		before := tr.world.begun()
		tr.world.behave(manner{})
		time.Sleep(longestDelay)
		if s = tr.state(); len(s.serving()) != 1 || before < 100 {
			t.Errorf("after %d starts and a mended program: serving %v", before, s.serving())
		}
		time.Sleep(proven)
		if s = tr.state(); s.Phase != GroupServing {
			t.Errorf("after proving itself: %q", s.Phase)
		}
		tr.end()
	})
}

// TestKillLoop tells apart somebody who kills a worker twice a second for a
// while from a machine that kills each worker as soon as it is ready.
func TestKillLoop(t *testing.T) {
	tests := map[string]struct {
		workers     int
		every       time.Duration // somebody kills the oldest worker
		least, most int           // starts in a minute
		phase       GroupPhase
	}{
		"now and then":    {3, 500 * time.Millisecond, 120, 124, GroupServing},
		"again and again": {1, 10 * time.Millisecond, 8, 20, GroupCrashLooping},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, &Supervisor{Workers: test.workers}, manner{})
				<-tr.Ready()
				for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(test.every) {
					s := tr.state()
					if serials := s.serving(); len(serials) > 0 {
						tr.world.alive(serials[0]).die(Exit{Code: -1, Signal: "SIGKILL"})
					}
				}
				s := tr.state()
				if n := tr.world.begun(); n < test.least || n > test.most || s.Phase != test.phase {
					t.Errorf("%d starts, phase %q; want %d to %d, %q", n, s.Phase, test.least, test.most, test.phase)
				}
				tr.end()
			})
		})
	}
}

func TestSilentWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2, Limits: Limits{Silence: 3 * time.Second}}, manner{deaf: true})
		<-tr.Ready()
		time.Sleep(10 * time.Second)
		before := tr.state()
		victim := before.serving()[0]
		b := tr.world.alive(victim)
		close(b.freeze)
		frozen := time.Now()
		for {
			s := tr.state()
			if len(s.serving()) == 2 && !slices.Contains(s.serving(), victim) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(frozen); took > 4*time.Second {
			t.Errorf("replaced after %v; want at most time-out + 1 s", took)
		}
		time.Sleep(lastWords + time.Millisecond)
		if got := [3]hint{<-b.heard, <-b.heard, <-b.heard}; got != [3]hint{wake, dump, kill} {
			t.Errorf("got signals %v, want %v", got, [3]hint{wake, dump, kill})
		}
		s := tr.state()
		if d := s.Deaths[0]; !strings.Contains(d.Why, "no sign of life") || !strings.Contains(d.Output, "goroutine") {
			t.Errorf("death: %+v", d)
		}
		tr.end()
	})
}

func TestNeverReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 1, Limits: Limits{Start: 5 * time.Second}}, manner{readyAfter: -1})
		time.Sleep(6 * time.Second)
		s := tr.state()
		if len(s.Deaths) != 1 || !strings.Contains(s.Deaths[0].Why, "not ready after 5s") {
			t.Errorf("deaths: %+v", s.Deaths)
		}
		tr.stop()
		if err := <-tr.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestStandstill(t *testing.T) {
	tests := map[string]struct {
		stuck time.Duration
		do    func(*ledger.Page)
		every time.Duration // it is done again
		gone  bool          // the worker is expelled
	}{
		"nothing runs":            {time.Minute, func(*ledger.Page) {}, 0, false},
		"one runs and never ends": {time.Minute, func(p *ledger.Page) { p.Begin() }, 0, true},
		"more begin, none ends":   {time.Minute, func(p *ledger.Page) { p.Begin() }, time.Second, true},
		"others end":              {time.Minute, func(p *ledger.Page) { p.Begin(); p.Begin(); p.End() }, 10 * time.Second, false},
		"it streams":              {time.Minute, func(p *ledger.Page) { p.Begin(); p.Stream(1) }, 0, false},
		"switched off":            {-1, func(p *ledger.Page) { p.Begin() }, 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, &Supervisor{Workers: 1, Limits: Limits{Stuck: test.stuck}}, manner{})
				<-tr.Ready()
				first := tr.state()
				page := tr.world.alive(first.serving()[0]).page
				test.do(page)
				for began := time.Now(); time.Since(began) < 62*time.Second; {
					time.Sleep(max(test.every, time.Second))
					if test.every > 0 {
						test.do(page)
					}
				}
				s := tr.state()
				if gone := !slices.Equal(s.serving(), first.serving()); gone != test.gone {
					t.Errorf("expelled: %v, want %v; deaths %+v", gone, test.gone, s.Deaths)
				}
				tr.end()
			})
		})
	}
}

// TestStandstillOfAll has all workers stuck at once, as behind one slow
// database: killing them all would not mend it.
func TestStandstillOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 4, Limits: Limits{Stuck: time.Minute}}, manner{})
		<-tr.Ready()
		before := tr.state()
		for _, serial := range before.serving() {
			tr.world.alive(serial).page.Begin()
		}
		time.Sleep(90 * time.Second)
		if s := tr.state(); len(s.Deaths) != 1 {
			t.Errorf("%d expelled in one time-out; want 1", len(s.Deaths))
		}
		tr.end()
	})
}

// TestSupervisorThatSlept is a machine that was suspended: nobody has been
// silent but the supervisor.
func TestSupervisorThatSlept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Supervisor{Workers: 2}
		tr := begin(t, s, manner{})
		<-tr.Ready()
		before := tr.state()
		blocked := make(chan result) // no room: the loop waits until it is read
		s.commands <- command{do: doState, reply: blocked}
		time.Sleep(time.Hour)
		<-blocked
		time.Sleep(5 * time.Second)
		if s := tr.state(); !slices.Equal(s.serving(), before.serving()) {
			t.Errorf("serving %v, want %v still", s.serving(), before.serving())
		}
		tr.end()
	})
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 3, Helpers: []string{"meta"}}, manner{readyAfter: time.Second, drainFor: 2 * time.Second})
		<-tr.Ready()
		before := tr.state()
		watch := make(chan struct{})
		fewest := 3
		go func() {
			defer close(watch)
			for {
				s, err := tr.State(t.Context())
				if err != nil || s.Reload == nil && s.LastReload != nil {
					return
				}
				fewest = min(fewest, len(s.serving()))
				time.Sleep(100 * time.Millisecond)
			}
		}()
		if err := tr.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-watch
		s := tr.state()
		if fewest < 3 || tr.world.most > 4 {
			t.Errorf("at least %d served and at most %d lived; want 3 and 4", fewest, tr.world.most)
		}
		for _, p := range s.Processes {
			if p.Generation != 2 || slices.Contains(before.serving(), p.Serial) {
				t.Errorf("%+v is of the old generation", p)
			}
		}
		if s.LastReload == nil || s.LastReload.Error != "" || s.Phase != GroupServing {
			t.Errorf("last reload %+v, phase %q", s.LastReload, s.Phase)
		}
		tr.end()
	})
}

func TestReloadThatFails(t *testing.T) {
	tests := map[string]struct {
		manner manner
		want   string
	}{
		"exits at once":      {manner{readyAfter: -1, dieAfter: time.Millisecond}, "exit code 1"},
		"says why":           {manner{failure: "Setup: no database"}, "no database"},
		"is never ready":     {manner{readyAfter: -1}, "not ready after 30s"},
		"answers to nothing": {manner{readyAfter: -1, frozen: true}, "no sign of life"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, &Supervisor{Workers: 2}, manner{})
				<-tr.Ready()
				before := tr.state()
				tr.world.behave(test.manner)
				err := tr.Reload(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v; want %q in it", err, test.want)
				}
				time.Sleep(time.Minute)
				s := tr.state()
				if !slices.Equal(s.serving(), before.serving()) || s.Phase != GroupServing {
					t.Errorf("serving %v in phase %q; want %v still", s.serving(), s.Phase, before.serving())
				}
				tr.world.behave(manner{})
				if err := tr.Reload(t.Context()); err != nil {
					t.Errorf("a good one after it: %v", err)
				}
				tr.end()
			})
		})
	}
}

func TestReloadWhileReloading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2}, manner{readyAfter: time.Second})
		<-tr.Ready()
		first := make(chan error, 1)
		go func() { first <- tr.Reload(t.Context()) }()
		synctest.Wait()
		if err := tr.Reload(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("the second: got %v, want %v", err, ErrBusy)
		}
		if err := <-first; err != nil {
			t.Errorf("the first: %v", err)
		}
		tr.end()
	})
}

// TestDeathDuringReload kills the old and the new process of a slot at the
// worst moments; the reload must come to an end, and the group to full strength.
func TestDeathDuringReload(t *testing.T) {
	for _, moment := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond} {
		for _, which := range []string{"oldest", "newest"} {
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, &Supervisor{Workers: 2}, manner{readyAfter: time.Second, drainFor: time.Second})
				<-tr.Ready()
				time.Sleep(10 * time.Second)
				done := make(chan error, 1)
				go func() { done <- tr.Reload(t.Context()) }()
				time.Sleep(moment)
				s := tr.state()
				p := s.Processes[0]
				if which == "newest" {
					p = s.Processes[len(s.Processes)-1]
				}
				tr.world.alive(p.Serial).die(Exit{Code: -1, Signal: "SIGSEGV"})
				err := <-done
				time.Sleep(5 * time.Second)
				if s = tr.state(); len(s.serving()) != 2 || s.Phase != GroupServing {
					t.Errorf("%s killed after %v: reload %v, serving %v, phase %q", which, moment, err, s.serving(), s.Phase)
				}
				tr.end()
			})
		}
	}
}

func TestStop(t *testing.T) {
	tests := map[string]struct {
		manner manner
		again  time.Duration // until the second demand; 0: none
		want   time.Duration
	}{
		"idle":                 {manner{}, 0, 0},
		"drains for a while":   {manner{drainFor: 5 * time.Second}, 0, 5 * time.Second},
		"never drains":         {manner{drainFor: -1}, 0, 20 * time.Second},
		"never drains, deaf":   {manner{drainFor: -1, deaf: true}, 0, 20*time.Second + lastWords},
		"a second demand":      {manner{drainFor: -1}, 3 * time.Second, 3 * time.Second},
		"second demand, froze": {manner{drainFor: -1, frozen: true}, 3 * time.Second, 4 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Supervisor{Workers: 2, Limits: Limits{Drain: 20 * time.Second, Silence: time.Minute}}
				tr := begin(t, s, test.manner)
				<-tr.Ready()
				tr.stop()
				began := time.Now()
				if test.again > 0 {
					time.Sleep(test.again)
					if err := tr.Kill(t.Context()); err != nil {
						t.Error(err)
					}
				}
				err := <-tr.ended
				if took := time.Since(began); err != nil || took != test.want {
					t.Errorf("ended after %v with %v; want %v and nil", took, err, test.want)
				}
			})
		})
	}
}

func TestFirstStartThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2, Helpers: []string{"meta"}}, manner{failure: "Setup: no database"})
		err := <-tr.ended
		if err == nil || !strings.Contains(err.Error(), "no database") {
			t.Errorf("Run: %v; want the worker's own reason", err)
		}
	})
}

func TestNobodyServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2}, manner{})
		<-tr.Ready()
		time.Sleep(10 * time.Second)
		tr.world.behave(manner{readyAfter: 5 * time.Second})
		s := tr.state()
		for _, serial := range s.serving() {
			tr.world.alive(serial).die(Exit{Code: 2})
		}
		time.Sleep(lonelyGrace - time.Millisecond)
		if refusing, _ := tr.world.door(); refusing {
			t.Error("refused before the grace was over")
		}
		time.Sleep(2 * time.Millisecond)
		if refusing, _ := tr.world.door(); !refusing {
			t.Error("not refused after the grace")
		}
		time.Sleep(5 * time.Second)
		if refusing, times := tr.world.door(); refusing || times != 1 {
			t.Errorf("refusing: %v, %d times; want no more, once", refusing, times)
		}
		tr.end()
	})
}

func TestWorkerThatGoesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 1}, manner{})
		<-tr.Ready()
		first := tr.state()
		b := tr.world.alive(first.serving()[0])
		_ = writeMessage(b.link, message{Drains: "SIGTERM"})
		s := tr.state()
		if len(s.serving()) != 1 || s.serving()[0] == first.serving()[0] || s.count(WorkerRole, Draining) != 1 {
			t.Errorf("processes: %+v; want a replacement while it drains", s.Processes)
		}
		b.die(Exit{})
		if s = tr.state(); !s.Deaths[0].Expected || s.Deaths[0].Why != "SIGTERM" {
			t.Errorf("death: %+v", s.Deaths[0])
		}
		tr.end()
	})
}

// TestChatter is threat W1 in small: however much a child says, it causes a
// few events and no work.
func TestChatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 1}, manner{})
		<-tr.Ready()
		first := tr.state()
		b := tr.world.alive(first.serving()[0])
		for range 10_000 {
			if err := writeMessage(b.link, message{Pong: true, Ready: true, Failed: "", Drains: ""}); err != nil {
				t.Fatal(err)
			}
		}
		_ = b.link.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := io.WriteString(b.link, strings.Repeat("x", 2*maxMessage)); err == nil {
			t.Error("an endless line was read to its end")
		}
		time.Sleep(12 * time.Second) // nonsense is not heard any more
		if s := tr.state(); len(s.serving()) != 1 || s.serving()[0] == first.serving()[0] {
			t.Errorf("serving %v; want a replacement for %v", s.serving(), first.serving())
		}
		tr.end()
	})
}

func TestStateSurvivesWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, &Supervisor{Workers: 2, Helpers: []string{"meta"}}, manner{})
		<-tr.Ready()
		time.Sleep(5 * time.Second)
		first := tr.state()
		tr.world.alive(first.serving()[0]).die(Exit{Code: 3})
		s := tr.state()
		if err := tr.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, state := range []State{first, s, tr.state()} {
			text, err := json.Marshal(state)
			if err != nil {
				t.Fatal(err)
			}
			var back State
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(state, back, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("written and read back (-before +after):\n%s", diff)
			}
		}
		tr.end()
	})
}

// TestAnySequence lets chance do what it can to a group for an hour and wants
// TestBriefState fits on a line, whatever the dead have written.
func TestBriefState(t *testing.T) {
	for name, piece := range map[string]string{"plain": "x", "markup": "<", "control": "\x01"} {
		text := strings.Repeat(piece, maxOutput)
		s := State{Processes: []Process{{Failure: text}}}
		for range 2 * maxDeaths {
			s.bury(Death{Why: text, Output: text})
		}
		line, err := json.Marshal(s.brief())
		if err != nil || len(line) > control.MaxLine/2 {
			t.Errorf("%s: %d bytes, %v: want at most %d", name, len(line), err, control.MaxLine/2)
		}
		if last := s.brief().Deaths[maxDeaths-1]; !strings.HasPrefix(text, last.Output) || len(last.Output) != clippedOutput {
			t.Errorf("%s: of the newest output %d bytes are left, want %d", name, len(last.Output), clippedOutput)
		}
	}
}

// the invariants to hold throughout, and full strength when it has stopped.
func TestAnySequence(t *testing.T) {
	const workers = 3
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			tr := begin(t, &Supervisor{Workers: workers, Helpers: []string{"meta"}}, manner{})
			<-tr.Ready()
			for range 200 {
				time.Sleep(time.Duration(random.IntN(20_000)) * time.Millisecond)
				s := tr.state()
				if n := s.count(WorkerRole, Starting); n > 1 {
					t.Fatalf("seed %d: %d unproven workers at once", seed, n)
				}
				for _, slot := range s.Slots {
					n := 0
					for _, p := range s.Processes {
						if p.Slot == slot.ID && p.live() {
							n++
						}
					}
					if n > 2 || n > 1 && s.Reload == nil {
						t.Fatalf("seed %d: %d live processes in slot %d", seed, n, slot.ID)
					}
				}
				if len(s.Processes) == 0 {
					continue // all of them wait to be tried again
				}
				switch p := s.Processes[random.IntN(len(s.Processes))]; random.IntN(5) {
				case 0:
					if b := tr.world.alive(p.Serial); b != nil {
						b.die(Exit{Code: 1})
					}
				case 1:
					go func() { _ = tr.Reload(t.Context()) }()
				case 2:
					tr.world.behave(manner{
						readyAfter: time.Duration(random.IntN(3000)-500) * time.Millisecond,
						drainFor:   time.Duration(random.IntN(5000)) * time.Millisecond,
						dieAfter:   time.Duration(max(0, random.IntN(9000)-6000)) * time.Millisecond,
					})
				case 3:
					if b := tr.world.alive(p.Serial); b != nil {
						b.page.Begin()
					}
				}
			}
			tr.world.behave(manner{})
			time.Sleep(5 * time.Minute)
			s := tr.state()
			if len(s.serving()) != workers || s.Reload != nil {
				t.Errorf("seed %d: serving %v, reload %+v", seed, s.serving(), s.Reload)
			}
			tr.end()
		})
	}
}
