package prefork_test

import (
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/prefork"
)

// TestW6RogueWorkers (and W1): whatever one worker does, the supervisor stays small and
// the other worker stays in its care.
func TestW6RogueWorkers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		act  string
		ends bool // the worker is expelled for it
	}{
		"closes its link":          {"close", true},
		"writes 50 MiB of garbage": {"garbage", true},
		"scribbles on its ledger":  {"scribble", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.Limits.Silence = 3 * time.Second
			p.Limits.Stuck = 2 * time.Second
			state := p.serve()
			small := p.staysSmall()
			rogue, err := strconv.Atoi(p.must(tt.act))
			if err != nil {
				t.Fatal(err)
			}
			other := slices.DeleteFunc(pids(state, prefork.Serving), func(pid int) bool { return pid == rogue })[0]
			p.kill(other, syscall.SIGSTOP)
			if d := p.death(other); !strings.Contains(d.Why, "no sign of life") || d.Output == "" {
				t.Errorf("the other worker, stopped, ended by %q with output %.40q", d.Why, d.Output)
			}
			if tt.ends {
				p.death(rogue)
			} else {
				p.await("doubts", func(s prefork.State) bool {
					return slices.ContainsFunc(s.Processes, func(q prefork.Process) bool {
						return q.PID == rogue && q.Phase == prefork.Serving && q.Doubtful != ""
					})
				})
			}
			p.await("all serve", serving)
			small()
			p.stop()
		})
	}
}

// TestTalkativeWorkers: what is said over and over takes no room.
func TestTalkativeWorkers(t *testing.T) {
	t.Parallel()
	for _, manner := range []string{"pongs", "failures"} {
		t.Run(manner, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			state := p.serve()
			small := p.staysSmall()
			p.behave(manner)
			p.kill(pids(state, prefork.Serving)[0], syscall.SIGKILL)
			p.await("the talk is over", func(s prefork.State) bool {
				return manner == "pongs" && s.Serial > 2 && serving(s) || len(s.Deaths) > 2
			})
			small()
			p.stop()
		})
	}
}

// staysSmall returns a function that checks how much memory the supervisor has
// taken at most since staysSmall was called.
func (p *program) staysSmall() func() {
	supervisor := p.cmd.Process.Pid
	before := figure(p.t, supervisor, "status", "VmRSS")
	most := 16 << 10
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		most *= 4 // its shadow
	}
	return func() {
		p.t.Helper()
		grown := figure(p.t, supervisor, "status", "VmHWM") - before
		p.t.Logf("the supervisor has grown from %d by %d KiB", before, grown)
		if grown > most {
			p.t.Errorf("that is more than %d KiB", most)
		}
	}
}
