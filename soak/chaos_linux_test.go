package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/internal/scenario"
	"github.com/support-go/support/internal/strict"
	"github.com/support-go/support/prefork"
)

// service is "soak serve" in processes of its own.
type service struct {
	t        *testing.T
	command  *exec.Cmd
	addr     string
	secure   string
	meta     string
	dir      string // the group's
	executed string
	log      string
}

// newService prepares a service with flags beyond the addresses.
func newService(t *testing.T, flags ...string) *service {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "soak") //nolint:usetesting // its path is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	s := &service{
		t: t, addr: freeAddr(t), secure: freeAddr(t), meta: freeAddr(t),
		dir: filepath.Join(dir, "run"), executed: filepath.Join(dir, "executed"), log: filepath.Join(dir, "log"),
	}
	t.Cleanup(func() {
		if text, err := os.ReadFile(s.log); err == nil && t.Failed() {
			t.Logf("log of the service:\n%s", text)
		}
		_ = os.RemoveAll(dir)
	})
	s.command = exec.Command(self, append([]string{
		"serve", "-addr", s.addr, "-tls", s.secure, "-meta", s.meta, "-dir", s.dir, "-executed", s.executed,
	}, flags...)...)
	s.command.Env = append(os.Environ(), mainVariable+"=1", "GORACE=atexit_sleep_ms=0")
	s.command.Stdout = s.openLog()
	s.command.Stderr = s.command.Stdout
	return s
}

func (s *service) openLog() *os.File {
	s.t.Helper()
	file, err := os.OpenFile(s.log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = file.Close() })
	return file
}

// again is the same command line for another process.
func (s *service) again() *exec.Cmd {
	cmd := exec.Command(s.command.Path, s.command.Args[1:]...)
	cmd.Env = s.command.Env
	cmd.Stdout = s.openLog()
	cmd.Stderr = cmd.Stdout
	return cmd
}

// state asks the service what it knows.
func (s *service) state(ctx context.Context) (state prefork.State, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.meta+"/status.json", nil)
	if err != nil {
		return state, err
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return state, err
	}
	defer resp.Body.Close()
	return state, json.NewDecoder(resp.Body).Decode(&state)
}

// await waits until the service's state is as wanted.
func (s *service) await(ctx context.Context, tree *scenario.Tree, what string, wanted func(prefork.State) bool) error {
	return scenario.Await(ctx, tree, func(ctx context.Context) error {
		state, err := s.state(ctx)
		if err == nil && !wanted(state) {
			err = fmt.Errorf("%s: phase %q, processes %+v", what, state.Phase, state.Processes)
		}
		return err
	})
}

func allServe(state prefork.State) bool {
	return state.Phase == prefork.GroupServing && len(workers(state)) == state.Workers
}

// workers are those that serve.
func workers(state prefork.State) []prefork.Process {
	return slices.DeleteFunc(slices.Clone(state.Processes), func(p prefork.Process) bool {
		return p.Role != prefork.WorkerRole || p.Phase != prefork.Serving
	})
}

// get asks for a path on a connection of its own and returns at the first byte
// of the answer, or the end.
func (s *service) get(ctx context.Context, path string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// loads are clients of every kind.
func (s *service) loads() []strict.Load {
	plain := strict.Target{Addr: s.addr}
	secure := strict.Target{Addr: s.secure, TLS: &tls.Config{InsecureSkipVerify: true}}
	return []strict.Load{
		{Target: plain, Mode: strict.Fresh},
		{Target: plain, Mode: strict.Kept},
		{Target: plain, Mode: strict.HTTP2, Conns: 2},
		{Target: plain, Mode: strict.Kept, Name: "kept, idle", Pace: strict.Pace{Idle: 50 * time.Millisecond}},
		{Target: plain, Mode: strict.Kept, Name: "kept, post", Conns: 2, Ask: strict.Ask{Post: 2000, Size: 20_000}},
		{Target: secure, Mode: strict.Fresh, Conns: 2},
		{Target: secure, Mode: strict.Kept, Conns: 2},
		{Target: secure, Mode: strict.HTTP2, Conns: 2},
	}
}

// once checks that no POST was executed twice.
func (s *service) once() error {
	file, err := os.Open(s.executed)
	if err != nil {
		return err
	}
	defer file.Close()
	n, err := strict.ReadExecuted(file)
	if err == nil && n == 0 {
		err = errors.New("no POST was executed")
	}
	return err
}

func inTime(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestReloadLosesNothing is row 1 of the chaos matrix in small: clients of
// every kind that never retry, and a reload after every few thousand answers.
func TestReloadLosesNothing(t *testing.T) {
	s := newService(t)
	report, err := scenario.Scenario{
		Command: s.command,
		Trial:   &strict.Trial{Loads: s.loads()},
		Name:    "reload",
		Times:   8,
		Between: 2000,
		Act: scenario.Signal(syscall.SIGHUP, scenario.Status{
			URL: "http://" + s.meta + "/status.json", Grows: "generation", Want: map[string]string{"phase": "serving"},
		}.Settled()),
	}.Run(inTime(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	check(t, report.L0Strict(), report.Closed(), report.AtLeast(20), s.once())
}

// TestKilledWorker is row 4: what clients lose lies within what the ledger
// says, and a replacement comes at once.
func TestKilledWorker(t *testing.T) {
	const kills = 6
	s := newService(t, "-workers", "3")
	var slowest time.Duration
	var deaths []prefork.Death
	report, err := scenario.Scenario{
		Command: s.command,
		Trial:   &strict.Trial{Loads: s.loads()[:5]},
		Name:    "kill",
		Times:   kills,
		Between: 4000,
		Act: func(ctx context.Context, tree *scenario.Tree, n int) error {
			if err := s.await(ctx, tree, "all workers", allServe); err != nil {
				return err
			}
			state, err := s.state(ctx)
			if err != nil {
				return err
			}
			victim := workers(state)[n%3]
			began := time.Now()
			if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
				return err
			}
			err = s.await(ctx, tree, "a replacement", func(state prefork.State) bool {
				deaths = state.Deaths
				return allServe(state) && len(deaths) == n
			})
			slowest = max(slowest, time.Since(began))
			return err
		},
	}.Run(inTime(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	var least, most uint64
	for _, d := range deaths {
		least, most = least+d.LostLeast, most+d.LostMost
		if d.Exit.Signal != "SIGKILL" || d.Expected {
			t.Errorf("death: %+v", d)
		}
	}
	lost := uint64(report.Total().Lost())
	t.Logf("%d kills: clients lost %d, the ledger says %d to %d; slowest replacement %v", kills, lost, least, most, slowest)
	// Of a connection on which the server has read nothing, it cannot know that
	// it speaks HTTP/2 and carries several requests.
	most += kills * 2 * 8
	if lost < least || lost > most {
		t.Errorf("clients lost %d, the ledger says %d to %d", lost, least, most)
	}
	if slowest > 5*time.Second {
		t.Errorf("a replacement took %v", slowest)
	}
	check(t, report.LK(int64(most)), report.AtLeast(20), s.once())
}

// TestAllWorkersKilled is row 5: nobody hangs, and service is back at once.
func TestAllWorkersKilled(t *testing.T) {
	s := newService(t)
	var most uint64
	report, err := scenario.Scenario{
		Command: s.command,
		Trial:   &strict.Trial{Loads: s.loads()[:2]}, // whose losses can be told exactly
		Name:    "kill all",
		Times:   3,
		Between: 2000,
		Act: func(ctx context.Context, tree *scenario.Tree, n int) error {
			if err := s.await(ctx, tree, "all workers", allServe); err != nil {
				return err
			}
			state, err := s.state(ctx)
			if err != nil {
				return err
			}
			for _, p := range workers(state) {
				if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
					return err
				}
			}
			return s.await(ctx, tree, "two replacements", func(state prefork.State) bool {
				most = 0
				for _, d := range state.Deaths {
					most += d.LostMost
				}
				return allServe(state) && len(state.Deaths) == 2*n
			})
		},
	}.Run(inTime(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if n := report.Total()[strict.Hung]; n > 0 {
		t.Errorf("%d clients hung", n)
	}
	check(t, report.LK(int64(most)), report.AtLeast(20))
}

// TestStuckWorkers is row 8: a worker that is stopped, deadlocked or busy for
// ever is replaced, and what it was doing is known if it can still speak.
func TestStuckWorkers(t *testing.T) {
	const silence, stuck = 3 * time.Second, 2 * time.Second
	tests := map[string]struct {
		harm   func(ctx context.Context, s *service, p prefork.Process) error
		why    string // in the death record
		stacks string // in the log
	}{
		"stopped": {func(_ context.Context, _ *service, p prefork.Process) error {
			return syscall.Kill(p.PID, syscall.SIGSTOP)
		}, "no sign of life", "goroutine"},
		"deadlock": {func(ctx context.Context, s *service, _ prefork.Process) error {
			return s.hit(ctx, "/fault/deadlock")
		}, "no request ended", "deadlock"},
		"busy": {func(ctx context.Context, s *service, _ prefork.Process) error {
			return s.hit(ctx, "/fault/spin")
		}, "no request ended", "spin"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "-workers", "1", "-silence", silence.String(), "-stuck", stuck.String())
			ctx := inTime(t, time.Minute)
			tree, err := scenario.Start(s.command)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { check(t, tree.End(inTime(t, 20*time.Second))) }()
			if err := s.await(ctx, tree, "start", allServe); err != nil {
				t.Fatal(err)
			}
			state, err := s.state(ctx)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := test.harm(ctx, s, workers(state)[0]); err != nil {
				t.Fatal(err)
			}
			if err := s.await(ctx, tree, "a replacement", func(now prefork.State) bool {
				w := workers(now)
				return len(w) == 1 && w[0].PID != workers(state)[0].PID
			}); err != nil {
				t.Fatal(err)
			}
			replaced := time.Since(began)
			var d prefork.Death
			if err := s.await(ctx, tree, "a death", func(now prefork.State) bool {
				if len(now.Deaths) > 0 {
					d = now.Deaths[0]
				}
				return len(now.Deaths) == 1
			}); err != nil {
				t.Fatal(err)
			}
			t.Logf("replaced after %v: %s", replaced, d.Why)
			if replaced > silence+5*time.Second {
				t.Errorf("replaced after %v", replaced)
			}
			if !strings.Contains(d.Why, test.why) || !strings.Contains(d.Output, "goroutine") {
				t.Errorf("why %q, output %q; want %q and stacks", d.Why, d.Output, test.why)
			}
			if log, err := os.ReadFile(s.log); err != nil || !strings.Contains(string(log), test.stacks) {
				t.Errorf("no stacks in the log (%v)", err)
			}
			check(t, s.get(ctx, "/fault/pid"))
		})
	}
}

// hit asks for something that will not be answered.
func (s *service) hit(ctx context.Context, path string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	return err
}

// TestKilledSupervisor is row 6 as far as a second start goes: workers serve on
// without their supervisor, and the next one takes their sockets over, without
// a request being lost.
func TestKilledSupervisor(t *testing.T) {
	s := newService(t, "-orphan", "20s")
	ctx := inTime(t, time.Minute)
	first, err := scenario.Start(s.command)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.End(inTime(t, 20*time.Second)) }() // it was killed, which is a failure
	if err := s.await(ctx, first, "start", allServe); err != nil {
		t.Fatal(err)
	}
	trial := &strict.Trial{Loads: s.loads()[:5]}
	loaded, stop := context.WithCancel(ctx)
	defer stop()
	type outcome struct {
		report *strict.Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		report, err := trial.Run(loaded)
		done <- outcome{report, err}
	}()
	more := func(n int64) {
		t.Helper()
		enough := trial.Count(strict.Answered) + n
		for trial.Count(strict.Answered) < enough && ctx.Err() == nil {
			_ = s.get(ctx, "/fault/pid") // the load goes on meanwhile
		}
	}
	more(2000)
	trial.Mark("kill supervisor")
	if err := first.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Exited()
	more(2000)
	trial.Mark("start another")
	second, err := scenario.Start(s.again())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.await(ctx, second, "second start", allServe); err != nil {
		t.Fatal(err)
	}
	trial.Mark("serving")
	more(2000)
	state, err := s.state(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if state.PID == s.command.Process.Pid {
		t.Errorf("still supervised by the process that was killed")
	}
	stop()
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	for len(first.Members()) > 0 && ctx.Err() == nil { // they drain
		_ = s.get(ctx, "/fault/pid")
	}
	if left := first.Members(); len(left) > 0 {
		t.Errorf("left of the first group: %v", left)
	}
	check(t, got.report.L0Strict(), got.report.AtLeast(20), s.once(), second.End(inTime(t, 20*time.Second)))
}

// TestOrphansGo has nobody come for the workers of a dead supervisor.
func TestOrphansGo(t *testing.T) {
	s := newService(t, "-orphan", "500ms")
	ctx := inTime(t, 30*time.Second)
	tree, err := scenario.Start(s.command)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.End(inTime(t, 20*time.Second)) }()
	if err := s.await(ctx, tree, "start", allServe); err != nil {
		t.Fatal(err)
	}
	if err := tree.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-tree.Exited()
	check(t, s.get(ctx, "/fault/pid")) // orphans serve
	for len(tree.Members()) > 0 && ctx.Err() == nil {
		_ = s.get(ctx, "/fault/pid")
	}
	if left := tree.Members(); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		_ = conn.Close()
		t.Error("something still listens")
	}
}
