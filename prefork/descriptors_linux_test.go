package prefork_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/support-go/support/prefork"
)

// TestC4GrandchildrenInheritNothing but the standard three.
func TestC4GrandchildrenInheritNothing(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.env = []string{"LISTEN_FDS=1", "WATCHDOG_USEC=1000000", "NOTIFY_SOCKET=@nobody"}
	stray, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer stray.Close()
	p.files = []*os.File{stray} // which nobody has declared
	p.serve()
	fds := strings.Fields(p.must("run ls /proc/self/fd"))
	if want := []string{"0", "1", "2", "3"}; !slices.Equal(fds, want) { // the last is that of the directory which ls reads
		t.Errorf("descriptors %q, want %q", fds, want)
	}
	for _, name := range []string{"SUPPORT_LINK", "NOTIFY_SOCKET", "LISTEN_FDS", "WATCHDOG_USEC"} {
		if strings.Contains(p.must("run env"), name+"=") {
			t.Errorf("a grandchild has %s in its environment", name)
		}
	}
	p.stop()
}

// TestNothingLeaks in the supervisor over many deaths and reloads.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Workers = 4 // so that no slot sees too many die
	state := p.serve()
	turn := func(reload bool) {
		serial := state.Serial
		if reload {
			if err := p.control("reload", nil); err != nil {
				t.Fatal(err)
			}
		} else {
			p.kill(pids(state, prefork.Serving)[state.Serial%p.Workers], syscall.SIGKILL)
		}
		state = p.await("replaced", func(s prefork.State) bool { return s.Serial > serial && serving(s) && len(s.Processes) == 4 })
	}
	turn(true)
	turn(false)
	before := p.usage()
	for i := range 30 {
		turn(i%2 == 0)
		p.mustBeNonBlocking()
	}
	until(t, "no more than before", func() error {
		after := p.usage()
		for kind, n := range after {
			if n > before[kind] {
				return fmt.Errorf("%v, and before %v", after, before)
			}
		}
		return nil
	})
	p.stop()
}

// usage counts the supervisor's descriptors by kind.
func (p *program) usage() map[string]int {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	kinds := map[string]int{}
	digits := regexp.MustCompile(`\d+`)
	for _, e := range entries {
		if name, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			kinds[digits.ReplaceAllString(name, "")]++
		}
	}
	return kinds
}

// mustBeNonBlocking looks at the listening socket in the supervisor; its mode
// is shared by all that have it open.
func (p *program) mustBeNonBlocking() {
	p.t.Helper()
	var state prefork.State
	if err := p.control("status", &state); err != nil {
		p.t.Fatal(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", p.cmd.Process.Pid, state.Sockets[0].Descriptor))
	if err != nil {
		p.t.Fatal(err)
	}
	var flags int
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "flags: %o", &flags); err == nil {
			break
		}
	}
	if flags&syscall.O_NONBLOCK == 0 {
		p.t.Errorf("the listening socket is blocking: %s", text)
	}
}

// TestSameInode: replacements are of the program that runs, whatever has
// become of its file.
func TestSameInode(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(p.Dir), "program")
	if err := os.Link(self, file); err != nil {
		t.Skipf("no second name for the program: %v", err)
	}
	p.file = file
	state := p.serve()
	if err := os.WriteFile(file+".new", []byte("#!/bin/false\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for what, replace := range map[string]func() error{
		"replaced": func() error { return os.Rename(file+".new", file) },
		"removed":  func() error { return os.RemoveAll(file) },
	} {
		if err := replace(); err != nil {
			t.Fatal(err)
		}
		victim := pids(state, prefork.Serving)[0]
		p.kill(victim, syscall.SIGKILL)
		p.death(victim)
		state = p.await(what, serving)
	}
	p.stop()
}

// TestBlockingSocket: whoever makes a shared socket blocking has that set right,
// at the latest for the next worker, and workers drain as ever.
func TestBlockingSocket(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	state := p.serve()
	p.must("block")
	victim := pids(state, prefork.Serving)[0]
	p.kill(victim, syscall.SIGKILL)
	p.death(victim)
	p.await("all serve", serving)
	p.mustBeNonBlocking()
	if log := p.log.String(); !strings.Contains(log, "somebody had made a shared socket blocking") {
		t.Error("nothing is said of it")
	}
	for range p.Workers { // one that had begun to wait in accept goes on to wait for its turn
		p.must("pid")
	}
	p.stop()
}
