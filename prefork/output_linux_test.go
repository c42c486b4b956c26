package prefork_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/support-go/support/prefork"
)

// prints waits until the program's log has a text.
func (p *program) prints(text string) {
	p.t.Helper()
	until(p.t, fmt.Sprintf("%q in the log", text), func() error {
		if !strings.Contains(p.log.String(), text) {
			return fmt.Errorf("it is not there")
		}
		return nil
	})
}

// TestOutput: what a process prints comes line by line, each stream for itself,
// and the last of it is part of the record of its death.
func TestOutput(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Capture, p.Workers, p.Helpers = true, 1, []string{"aide"}
	p.serve()
	pid := p.must("say out one and")
	p.must("say err half a line")
	p.must("say out two")
	p.must("end")
	p.prints("[worker " + pid + " false over=false] one andtwo\n")
	number, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	p.kill(number, syscall.SIGKILL)
	d := p.death(number)
	if want := "one andtwo\nhalf a line"; d.LastLines != want {
		t.Errorf("the last lines are %q, want %q", d.LastLines, want)
	}
	p.prints("[worker " + pid + " true over=false] half a line\n")
	p.prints("[worker " + pid + " true over=true] \n")
	p.prints("[worker " + pid + " false over=true] \n")
	p.await("all serve", serving)
	p.stop()
}

// TestW1FloodOfOutput: a worker that prints a GiB makes its supervisor neither
// grow nor stop looking after the other one. What is left out of it is counted.
func TestW1FloodOfOutput(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Capture = true
	state := p.serve()
	small := p.staysSmall()
	flooding := make(chan string)
	go func() {
		pid, _ := p.ask("flood")
		flooding <- pid
	}()
	for _, other := range pids(state, prefork.Serving) {
		if pid := p.must("pid"); pid != "" {
			t.Logf("%s answers beside the flood, of %d", pid, other)
		}
	}
	<-flooding
	others := 0 // lines
	until(t, "it is said how much is left out", func() error {
		others++
		p.must("complain")
		if !strings.Contains(p.log.String(), "of this process are left out") {
			return errors.New("it is not")
		}
		return nil
	})
	small()
	p.stop()
	passed, out := 0, 0
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "] complaint\n") {
			passed++
		}
		n := 0
		if _, rest, found := strings.Cut(line, "] prefork: "); found {
			if _, err := fmt.Sscanf(rest, "%d lines", &n); err == nil {
				out += n
			}
		}
		if _, err := fmt.Sscanf(line, "%d lines of a flood", &n); err == nil {
			passed += n
		}
	}
	if total := floodLines + others; passed+out != total || out == 0 {
		t.Errorf("%d lines have passed and %d are left out, of %d", passed, out, total)
	}
}

// TestOutputOfOrphans: a worker whose supervisor has died goes on printing, and
// nothing of it is lost.
func TestOutputOfOrphans(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Capture, p.Workers = true, 1
	p.serve()
	p.killed()
	pid := p.must("chat")
	p.prints(pid + " chats, line 5000 of 5000\n")
	if n := strings.Count(p.log.String(), pid+" chats, "); n != 5000 {
		t.Errorf("%d of 5000 lines have come", n)
	}
	p.serve() // takes over
	p.stop()
}
