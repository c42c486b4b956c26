package prefork_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/prefork"
)

// TestStoppedSupervisorBlamesNobody, neither those that serve nor those that
// got ready meanwhile.
func TestStoppedSupervisorBlamesNobody(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Silence = 2 * time.Second
	p.Limits.Start = 2 * time.Second
	state := p.serve()
	p.behave("slow")
	p.kill(pids(state, prefork.Serving)[0], syscall.SIGKILL)
	p.await("one starts", func(s prefork.State) bool { return len(pids(s, prefork.Starting)) == 1 && len(s.Deaths) == 1 })
	p.signal(syscall.SIGSTOP)
	timer := time.NewTimer(4 * time.Second) // longer than any limit, and long enough to be noticed
	defer timer.Stop()
	p.behave("")
	select {
	case <-timer.C:
	case <-p.ended:
	}
	p.signal(syscall.SIGCONT)
	state = p.await("all serve", serving)
	if len(state.Deaths) != 1 {
		t.Errorf("somebody has been blamed: %+v", state.Deaths)
	}
	p.stop()
}

// TestManyReloads at once: one is done, the others are told that it is.
func TestManyReloads(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.serve()
	p.behave("slow")
	var reloads sync.WaitGroup
	results := make(chan error, 15)
	for range cap(results) {
		reloads.Go(func() { results <- p.control("reload", nil) })
	}
	for range cap(results) - 1 {
		if err := <-results; err == nil {
			t.Error("two reloads at once")
		} else {
			t.Log(err)
		}
	}
	p.behave("")
	if err := <-results; err != nil {
		t.Errorf("the reload that was done: %v", err)
	}
	reloads.Wait()
	p.stop()
}

// TestSignals to workers and to the supervisor at awkward moments.
func TestSignals(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Drain = 2 * time.Second
	state := p.serve()
	serving2 := pids(state, prefork.Serving)
	p.kill(serving2[0], syscall.SIGHUP)
	p.kill(serving2[0], syscall.SIGINT)
	p.kill(serving2[1], syscall.SIGTERM)
	if d := p.death(serving2[1]); d.Exit.Code != 0 || !d.Expected || d.Why != "SIGTERM" {
		t.Errorf("after SIGTERM: %+v", d)
	}
	state = p.await("replaced", serving)
	if pids(state, prefork.Serving)[0] != serving2[0] {
		t.Errorf("a worker did not ignore SIGHUP and SIGINT: %+v", state.Deaths)
	}
	p.behave("deaf")
	p.kill(serving2[0], syscall.SIGKILL)
	p.death(serving2[0])
	p.await("a deaf one serves", serving)
	p.behave("slow")
	p.signal(syscall.SIGHUP)
	p.await("reloading", func(s prefork.State) bool { return len(pids(s, prefork.Starting)) == 1 })
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGHUP)
	p.behave("")
	if err := p.exits(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if left := p.processes(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}
