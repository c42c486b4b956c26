//go:build linux || darwin

package prefork

import (
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// streams are the pipes by which a process's standard output and error come to
// its supervisor.
//
// The process has our ends too, and the supervisor's own output and error:
// when the supervisor has died, it takes its own lines out of the pipes. So it
// is neither killed by a pipe that nobody reads, nor stopped by one that is
// full, and nothing that was in a pipe is lost.
type streams struct {
	near [2]int // our ends; -1 is none
	last lastLines
	done sync.WaitGroup // of those who read
	open []*os.File
}

// lay opens the pipes and gives the child what it needs of them.
func (g *luggage) lay(h *handover) error {
	for i := range g.streams.near {
		var fds [2]int
		if err := pipe(&fds); err != nil {
			return os.NewSyscallError("pipe", err)
		}
		g.streams.near[i] = fds[0]
		g.theirs = append(g.theirs, fds[1])
		if err := unix.SetNonblock(fds[0], true); err != nil { // ours alone to read
			return os.NewSyscallError("fcntl", err)
		}
		g.files[1+i] = uintptr(fds[1])
		h.Outputs.Pipes[i] = g.pass(fds[0])
		h.Outputs.Plain[i] = g.pass(1 + i)
	}
	return nil
}

// follow hands lines to output until the streams end.
func (s *streams) follow(h *handover, pid int, output func(Line)) {
	for i, fd := range s.near {
		if fd < 0 {
			continue
		}
		s.near[i] = -1
		file := os.NewFile(uintptr(fd), "output")
		s.open = append(s.open, file)
		line := Line{Role: h.Role, Slot: h.Slot, PID: pid, Err: i == 1}
		s.done.Go(func() {
			defer file.Close()
			q := newQuota(time.Now())
			relay(file, line, func(l Line) {
				q.pass(l, time.Now(), func(l Line) {
					if !l.Over {
						s.last.add(l.Text)
					}
					output(l)
				})
			})
		})
	}
}

// finish reads what is left when the process has ended. A descendant that holds
// a stream open does not get to delay this.
func (s *streams) finish() {
	for _, file := range s.open {
		_ = file.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // fails if it has ended
	}
	s.done.Wait()
}

// close is for streams that nobody follows.
func (s *streams) close() {
	for _, fd := range s.near {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func relay(r io.Reader, l Line, output func(Line)) {
	readLines(r, func(text []byte) {
		l.Text = text
		output(l)
	})
	l.Text, l.Over = nil, true
	output(l)
}

// adoptOutputs takes what the handover says of outputs.
func (w *Worker) adoptOutputs() {
	for i, fd := range w.handover.Outputs.Pipes {
		if fd == 0 {
			continue
		}
		unix.CloseOnExec(fd)
		unix.CloseOnExec(w.handover.Outputs.Plain[i])
		w.pipes[i] = os.NewFile(uintptr(fd), "output")
		w.plain[i] = os.NewFile(uintptr(w.handover.Outputs.Plain[i]), "plain")
	}
}

// takeOutput reads this process's own output, which its supervisor no longer
// does.
func (w *Worker) takeOutput() {
	w.taking.Lock()
	take := w.take
	w.taking.Unlock()
	for i, pipe := range w.pipes {
		if pipe == nil {
			continue
		}
		output := take
		if output == nil {
			output = w.copyTo(w.plain[i])
		}
		go relay(pipe, Line{Role: w.Role(), Slot: w.Slot(), PID: os.Getpid(), Err: i == 1}, output)
	}
}

// copyTo writes lines to where the supervisor's own went.
func (w *Worker) copyTo(file *os.File) func(Line) {
	return func(l Line) {
		if !l.Over {
			_, _ = file.Write(append(slices.Clip(l.Text), '\n')) // it may be gone like the supervisor
		}
	}
}
