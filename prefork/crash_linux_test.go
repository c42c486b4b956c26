package prefork_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/prefork"
)

// TestCrashLoopingProgram: workers that exit at once.
func TestCrashLoopingProgram(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.behave("exit")
	began := time.Now()
	p.start()
	state := p.await("crash-looping", func(s prefork.State) bool { return s.Phase == prefork.GroupCrashLooping })
	t.Logf("%d starts in %v", state.Serial, time.Since(began))
	if d := state.Deaths[0]; d.Exit.Code != 7 || d.Expected {
		t.Errorf("first death: %+v, want exit code 7, not expected", d)
	}
	until(t, "clients are refused", func() error {
		_, err := p.ask("pid")
		var timeout net.Error
		if errors.Is(err, syscall.ECONNRESET) {
			return nil
		}
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("a client hung")
		}
		return errors.Join(err, errors.New("not yet"))
	})
	p.behave("")
	p.await("served again", serving)
	p.must("pid")
	p.stop()
}

// TestStopWhileCrashLooping: nothing is waited for.
func TestStopWhileCrashLooping(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.behave("exit")
	p.start()
	p.await("crash-looping", func(s prefork.State) bool { return s.Phase == prefork.GroupCrashLooping })
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > time.Second {
		t.Errorf("the stop took %v", took)
	}
}

// TestQuittersAreNotRestartedInAHurry: a worker that says it drains, and ends,
// before it has ever served.
func TestQuittersAreNotRestartedInAHurry(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.behave("drains")
	p.start()
	state := p.await("crash-looping", func(s prefork.State) bool {
		return s.Phase == prefork.GroupCrashLooping || s.Serial > 50
	})
	if state.Phase != prefork.GroupCrashLooping {
		t.Errorf("%d starts, and the group is %s", state.Serial, state.Phase)
	}
	p.stop()
}

// TestFailureBeforeTheFirstService ends the program with the worker's error.
func TestFailureBeforeTheFirstService(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.behave("fail")
	p.start()
	if err := p.exits(); exitCode(err) != 1 {
		t.Errorf("the program ended with %v, want exit code 1", err)
	}
	if log := p.log.String(); !strings.Contains(log, "worker 1 cannot start: told to fail") {
		t.Errorf("the worker's error is missing")
	}
}
