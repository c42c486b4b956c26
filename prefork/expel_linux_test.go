package prefork_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/prefork"
)

// TestExpelledTakeAlongWhatTheyStarted, also if they obey and dump their stacks.
func TestExpelledTakeAlongWhatTheyStarted(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Workers = 1
	p.Limits.Drain = time.Second
	p.behave("deaf")
	deaf := pids(p.serve(), prefork.Serving)[0]
	p.must("start sleep 60")
	p.behave("")
	if err := p.control("reload", nil); err != nil {
		t.Error(err)
	}
	if d := p.death(deaf); !strings.Contains(d.Why, "did not drain within 1s") || !strings.Contains(d.Output, "goroutine ") {
		t.Errorf("it ended by %q with output %.40q", d.Why, d.Output)
	}
	until(t, "what it started is gone", func() error {
		if left := p.processes(); len(left) != 2 {
			return fmt.Errorf("%v are left, want two", left)
		}
		return nil
	})
	p.stop()
}

// TestImpatience: each SIGTERM after the first one means now, and none of them
// puts it off.
func TestImpatience(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Drain = time.Minute
	p.behave("deaf")
	p.serve()
	p.signal(syscall.SIGTERM)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for {
		select {
		case <-p.ended:
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("the end took %v", took)
			}
			return
		case <-tick.C:
			if time.Since(began) > 8*time.Second {
				t.Fatal("it does not end")
			}
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may just have ended
		}
	}
}
