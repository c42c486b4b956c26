//go:build linux || darwin

package offload_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/offload"
	"github.com/support-go/support/stats"
)

func ExampleProcess() {
	// In main, before anything else:
	//	library := &offload.Process{Name: "library", Size: 2}
	//	shout := offload.Register(library, "shout", func(ctx context.Context, words []string) (string, error) { … })
	//	library.Serve()
	shout := remote.shout
	fmt.Println(shout.Do(context.Background(), []string{"hello", "helper"}))
	// Output: HELLO HELPER <nil>
}

func ExampleRemote() {
	_, err := remote.exit.Do(context.Background(), 3) // a library that ends its process
	fmt.Println(errors.Is(err, offload.ErrDied))
	fmt.Println(remote.echo.Do(context.Background(), []byte("next")))
	// Output:
	// true
	// [110 101 120 116] <nil>
}

func ExampleCycle() {
	leaky := &offload.Process{Name: "leaky", Cycle: offload.Cycle{Jobs: 1000, Age: time.Hour, Memory: 1 << 30}}
	fmt.Println(leaky.Name, leaky.Cycle.Jobs)
	// Output: leaky 1000
}

func ExampleRemoteError() {
	_, err := remote.fail.Do(context.Background(), "no such font")
	var failure *offload.RemoteError
	fmt.Println(errors.As(err, &failure), failure.Text)
	// Output: true no such font
}

// served returns a Process of its own, whose helpers are those of "tests".
func served(t *testing.T, p *offload.Process) functions {
	t.Helper()
	p.Name = "tests"
	f := register(p)
	p.Serve()
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestRemoteRunsElsewhere(t *testing.T) {
	pid, err := remote.pid.Do(t.Context(), struct{}{})
	if err != nil || pid == os.Getpid() {
		t.Errorf("got pid %d, %v; want another than %d", pid, err, os.Getpid())
	}
}

func TestHelperIsKept(t *testing.T) {
	f := served(t, &offload.Process{Size: 1})
	first, _ := f.pid.Do(t.Context(), struct{}{})
	for range 5 {
		if pid, err := f.pid.Do(t.Context(), struct{}{}); pid != first || err != nil {
			t.Errorf("got pid %d, %v; want %d again", pid, err, first)
		}
	}
}

func TestLargeValues(t *testing.T) {
	f := served(t, &offload.Process{Size: 1, Max: 20 << 20})
	for _, size := range []int{0, 1, 100 << 10, 20 << 20} {
		want := bytes.Repeat([]byte("x"), size)
		if got, err := f.echo.Do(t.Context(), want); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
		}
	}
	if _, err := f.echo.Do(t.Context(), make([]byte, 20<<20+1)); !errors.Is(err, offload.ErrEncode) || !strings.Contains(err.Error(), "Process.Max") {
		t.Errorf("one byte too many: got %v, want %v", err, offload.ErrEncode)
	}
}

func TestJobsThatDie(t *testing.T) {
	f := served(t, &offload.Process{Size: 1})
	tests := map[string]struct {
		call func(context.Context) (int, error)
		want error
		says string
	}{
		"killed":  {func(ctx context.Context) (int, error) { return f.die.Do(ctx, struct{}{}) }, offload.ErrDied, "killed"},
		"exit":    {func(ctx context.Context) (int, error) { return f.exit.Do(ctx, 3) }, offload.ErrDied, "exit status 3"},
		"exit 0":  {func(ctx context.Context) (int, error) { return f.exit.Do(ctx, 0) }, offload.ErrDied, "exit status 0"},
		"failure": {func(ctx context.Context) (int, error) { return f.fail.Do(ctx, "no luck") }, nil, "no luck"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := test.call(t.Context())
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v; want %v and %q", err, test.want, test.says)
			}
			if got, err := f.shout.Do(t.Context(), []string{"on"}); got != "ON" || err != nil {
				t.Errorf("the next job got %q, %v", got, err)
			}
		})
	}
}

func TestRemotePanicIsAnError(t *testing.T) {
	f := served(t, &offload.Process{Size: 1})
	before, _ := f.pid.Do(t.Context(), struct{}{})
	_, err := f.explode.Do(t.Context(), "torn")
	var p *offload.PanicError
	if !errors.As(err, &p) || p.Value != "torn" || !strings.Contains(string(p.Stack), "main_test.go") {
		t.Errorf("got %v; want a PanicError with the stack of the job", err)
	}
	if after, err := f.pid.Do(t.Context(), struct{}{}); after == before || err != nil {
		t.Errorf("the next job got pid %d, %v; want another helper than %d", after, err, before)
	}
}

func TestHelperKilledBetweenJobs(t *testing.T) {
	f := served(t, &offload.Process{Size: 1})
	pid, _ := f.pid.Do(t.Context(), struct{}{})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the helper is still there", func() bool { return !exists(pid) })
	// Its death is noticed a moment later than its pid is free.
	eventually(t, "no job gets a new helper", func() bool {
		again, err := f.pid.Do(t.Context(), struct{}{})
		return err == nil && again != pid
	})
}

func TestRemoteContexts(t *testing.T) {
	tests := map[string]struct {
		timeout  time.Duration // else it is canceled when the job has begun
		patience time.Duration
		call     func(ctx context.Context, f functions, mark string) error
		want     error
		killed   bool
	}{
		"heeds the deadline": {timeout: 50 * time.Millisecond, patience: time.Minute, want: context.DeadlineExceeded,
			call: func(ctx context.Context, f functions, mark string) error { _, err := f.heed.Do(ctx, mark); return err }},
		"heeds the end": {patience: time.Minute, want: context.Canceled,
			call: func(ctx context.Context, f functions, mark string) error { _, err := f.heed.Do(ctx, mark); return err }},
		"ignores the end": {patience: 10 * time.Millisecond, want: context.Canceled, killed: true,
			call: func(ctx context.Context, f functions, mark string) error { _, err := f.hang.Do(ctx, mark); return err }},
		"is stopped": {timeout: 2 * time.Second, patience: 10 * time.Millisecond, want: context.DeadlineExceeded, killed: true,
			call: func(ctx context.Context, f functions, _ string) error {
				_, err := f.stop.Do(ctx, struct{}{})
				return err
			}},
		"has no time to begin": {timeout: time.Nanosecond, patience: time.Minute, want: context.DeadlineExceeded,
			call: func(ctx context.Context, f functions, mark string) error { _, err := f.heed.Do(ctx, mark); return err }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := served(t, &offload.Process{Size: 1, Limits: offload.Limits{Patience: test.patience}})
			before, err := f.pid.Do(t.Context(), struct{}{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			mark := filepath.Join(t.TempDir(), "began")
			if test.timeout > 0 {
				ctx, cancel = context.WithTimeout(ctx, test.timeout)
				defer cancel()
			} else {
				go func() {
					eventually(t, "the job does not begin", func() bool { return pidIn(mark) > 0 })
					cancel()
				}()
			}
			if err := test.call(ctx, f, mark); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			after, err := f.pid.Do(t.Context(), struct{}{})
			if err != nil || (after != before) != test.killed {
				t.Errorf("the next job got pid %d, %v; before it was %d, want another: %t", after, err, before, test.killed)
			}
		})
	}
}

func TestResultInTimeAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _ = remote.pid.Do(t.Context(), struct{}{})
	left, err := remote.heed.Do(ctx, "result")
	if err != nil && !errors.Is(err, context.DeadlineExceeded) { // a busy machine may not begin it in time
		t.Fatal(err)
	}
	if left > 50*time.Millisecond {
		t.Errorf("the job believes to have %v, want at most 50ms", left)
	}
}

func TestValuesThatCannotBeSent(t *testing.T) {
	tests := map[string]func(ctx context.Context) error{
		"function as a result": func(ctx context.Context) error { _, err := remote.strange.Do(ctx, struct{}{}); return err },
		"cycle as a result":    func(ctx context.Context) error { _, err := remote.knots.Do(ctx, struct{}{}); return err },
		"cycle":                func(ctx context.Context) error { _, err := remote.cyclic.Do(ctx, knot()); return err },
		"nil pointer":          func(ctx context.Context) error { _, err := remote.cyclic.Do(ctx, nil); return err },
	}
	for name, call := range tests {
		t.Run(name, func(t *testing.T) {
			err := call(t.Context())
			if err == nil || !strings.Contains(err.Error(), "cannot be sent to a helper process") {
				t.Errorf("got %v, want one that says so", err)
			}
			if got, err := remote.cyclic.Do(t.Context(), &ring{Value: 5, Next: &ring{Value: 6}}); got != 5 || err != nil {
				t.Errorf("afterwards: %d, %v; want 5, nil", got, err)
			}
		})
	}
}

func TestNestedRemote(t *testing.T) {
	f := served(t, &offload.Process{Size: 1, Limits: offload.Limits{Queue: -1}})
	pids, err := f.within.Do(t.Context(), struct{}{})
	if err != nil || pids[0] != pids[1] {
		t.Errorf("a nested job ran in %d, its job in %d, %v; want the same helper", pids[1], pids[0], err)
	}
}

func TestRemoteStatistics(t *testing.T) {
	reg := new(stats.Registry)
	f := served(t, &offload.Process{Size: 1, Stats: reg})
	for range 3 {
		if _, err := f.echo.Do(t.Context(), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"offload.wait_seconds", "offload.run_seconds", "offload.bytes_per_second"} {
		if n := reg.Distribution(name, "function", "echo", "pool", "tests").Snapshot().Count; n != 3 {
			t.Errorf("%s has %d values, want 3", name, n)
		}
	}
}

func TestHelperReportsItsJobOverBudget(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(logVariable, log)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		eventually(t, "nothing is logged", func() bool {
			text, _ := os.ReadFile(log)
			return strings.Contains(string(text), "over its budget")
		})
		cancel()
	}()
	_, _ = watched.hang.Do(ctx, "")
	text, _ := os.ReadFile(log)
	for _, want := range []string{"function=hang", "main_test.go:"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the record does not tell %q:\n%s", want, text)
		}
	}
}

func TestNoServe(t *testing.T) {
	p := &offload.Process{Name: "forgotten"}
	f := offload.Register(p, "f", func(context.Context, int) (int, error) { return 0, nil })
	if _, err := f.Do(t.Context(), 1); !errors.Is(err, offload.ErrStart) || !strings.Contains(err.Error(), "call Serve") {
		t.Errorf("got %v, want what to do", err)
	}
}

// A program that does not call Serve for a name gets helpers that never serve.
func TestHelperThatDoesNotServe(t *testing.T) {
	t.Setenv("OFFLOAD_TEST_PARENT", "/nonexistent") // such a helper of the test binary is not to run all tests
	p := &offload.Process{Name: "unknown"}
	f := offload.Register(p, "f", func(context.Context, int) (int, error) { return 0, nil })
	p.Serve()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := f.Do(ctx, 1); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, offload.ErrStart) {
		t.Errorf("got %v", err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestHelperBabbles has the work of helpers write into the pipe of their
// replies, as broken code may.
func TestHelperBabbles(t *testing.T) {
	f := served(t, &offload.Process{Size: 1})
	type message struct{ Kind, Serial int } // as offload's own
	var other, early bytes.Buffer
	if err := errors.Join(gob.NewEncoder(&other).Encode("another type"), gob.NewEncoder(&early).Encode(message{5, 99})); err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 4<<10)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(random)
	for name, noise := range map[string][]byte{
		"zeros": make([]byte, 100), "text": bytes.Repeat([]byte("assertion failed: x != nil\n"), 100), "long number": bytes.Repeat([]byte{0xff}, 1000),
		"huge message": {0xf8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "random": random,
		"another type": other.Bytes(), "reply to another job": early.Bytes(), "one byte": {0x40},
		"much too long": append([]byte("offL"), bytes.Repeat([]byte{0xff}, 8)...),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // less than the time of silence
			defer cancel()
			if n, err := f.babble.Do(ctx, noise); !errors.Is(err, offload.ErrDied) {
				t.Errorf("got %d, %v; want %v", n, err, offload.ErrDied)
			}
			if _, err := f.pid.Do(t.Context(), struct{}{}); err != nil {
				t.Errorf("the next job: %v", err)
			}
		})
	}
}

func TestMistakesAtSetUp(t *testing.T) {
	nothing := func(context.Context, int) (int, error) { return 0, nil }
	tests := map[string]func(){
		"no name":  func() { new(offload.Process).Serve() },
		"twice":    func() { p := &offload.Process{Name: "x"}; p.Serve(); p.Serve() },
		"too late": func() { p := &offload.Process{Name: "x"}; p.Serve(); offload.Register(p, "f", nothing) },
		"same name": func() {
			p := &offload.Process{Name: "x"}
			offload.Register(p, "f", nothing)
			offload.Register(p, "f", nothing)
		},
		"lanes without build": func() {
			_, _ = offload.On(context.Background(), new(offload.Lanes[int]), nothing2)
		},
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			if v := recovered(do); v == nil {
				t.Error("no panic")
			}
		})
	}
}

func nothing2(context.Context, int) (int, error) { return 0, nil }

func TestManyCallers(t *testing.T) {
	f := served(t, &offload.Process{Size: 2, Cycle: offload.Cycle{Jobs: 20}})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 20 {
				want := fmt.Appendf(nil, "%d %d", i, n)
				if got, err := f.echo.Do(t.Context(), want); err != nil || !bytes.Equal(got, want) {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			}
		})
	}
	all.Wait()
}

// TestHelpersKilledAtAnyMoment has each caller get its answer or the reason.
func TestHelpersKilledAtAnyMoment(t *testing.T) {
	f := served(t, &offload.Process{Size: 2, Cycle: offload.Cycle{Jobs: 30}})
	over := make(chan struct{})
	var killing, calling sync.WaitGroup
	killing.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			if pid, err := f.pid.Do(t.Context(), struct{}{}); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have gone
			}
		}
	})
	var answered, died atomic.Int64
	for range 6 {
		calling.Go(func() {
			want := bytes.Repeat([]byte("x"), 100<<10) // more than a pipe holds
			for range 40 {
				got, err := f.echo.Do(t.Context(), want)
				switch {
				case err == nil && bytes.Equal(got, want):
					answered.Add(1)
				case errors.Is(err, offload.ErrDied), errors.Is(err, offload.ErrStart):
					died.Add(1)
				default:
					t.Errorf("got %d bytes, %v", len(got), err)
				}
			}
		})
	}
	calling.Wait()
	close(over)
	killing.Wait()
	t.Logf("%d answered, %d died", answered.Load(), died.Load())
	eventually(t, "no helper serves any more", func() bool {
		_, err := f.pid.Do(t.Context(), struct{}{})
		return err == nil
	})
}

// TestOrphans kills a program in the middle of a helper's job.
func TestOrphans(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "terminated": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			mark := filepath.Join(t.TempDir(), "helper")
			parent := exec.Command(self)
			parent.Env = append(os.Environ(), "OFFLOAD_TEST_PARENT="+mark)
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the helper has no job", func() bool { return pidIn(mark) > 0 })
			pid := pidIn(mark)
			// What is sent to all processes does not end a helper.
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := parent.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = parent.Wait()
			eventually(t, "the helper has outlived its parent", func() bool { return !exists(pid) })
		})
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, failure string, condition func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-late:
			t.Error(failure)
			return
		}
	}
}

// pidIn returns what note has written.
func pidIn(file string) int {
	text, _ := os.ReadFile(file)
	pid, _ := strconv.Atoi(string(text))
	return pid
}

// exists says whether a process runs; one that nobody has waited for does not.
func exists(pid int) bool {
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, rest, _ := strings.Cut(string(text), ") ")
		return !strings.HasPrefix(rest, "Z")
	}
	return syscall.Kill(pid, 0) == nil
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
