//go:build linux || darwin

package prefork

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// reaper waits for every process that ends in the care of process 1: for its
// children, on their supervisor's behalf, and for the strangers whom the
// kernel hands to process 1 when their parents die. A nil reaper leaves each
// child to whoever waits for it.
type reaper struct {
	mu    sync.Mutex // held while a child is started, so that none ends unknown
	exits map[int]chan Exit
}

// newReaper starts a reaper that ends when closing is closed.
func newReaper(closing <-chan struct{}) *reaper {
	r := &reaper{exits: make(map[int]chan Exit)}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		defer signal.Stop(ended)
		for {
			select {
			case <-ended:
				r.reap()
			case <-closing:
				return
			}
		}
	}()
	return r
}

// hold keeps the reaper from reaping until the returned function is called.
func (r *reaper) hold() (release func()) {
	if r == nil {
		return func() {}
	}
	r.mu.Lock()
	return r.mu.Unlock
}

func (r *reaper) reap() {
	defer r.hold()()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if exit, ours := r.exits[pid]; ours {
			delete(r.exits, pid)
			exit <- exitOf(status)
		}
	}
}

// await returns a function that waits for process to end. It is called while
// the reaper is held.
func (r *reaper) await(process *os.Process) func() Exit {
	if r == nil {
		return func() Exit { return await(process) }
	}
	exit := make(chan Exit, 1)
	r.exits[process.Pid] = exit
	return func() Exit { return <-exit }
}

func await(process *os.Process) Exit {
	state, err := process.Wait()
	if err != nil {
		return Exit{Code: -1}
	}
	return exitOf(state.Sys().(syscall.WaitStatus))
}

func exitOf(status syscall.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{Code: -1, Signal: unix.SignalName(status.Signal())}
	}
	return Exit{Code: status.ExitStatus()}
}
