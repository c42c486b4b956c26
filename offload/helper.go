package offload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// helper is a process that runs jobs for this one. It has one caller at a time.
type helper struct {
	cmd     *exec.Cmd
	replies *os.File
	in      *receiver
	started time.Time
	jobs    int

	greeted  chan struct{} // closed when it serves, or has failed to
	greeting error         // then
	exited   chan struct{} // closed when it has ended

	// current is the serial number of the job, 0 between jobs, and killed when
	// it is, so that no kill is for a later job than it was meant for.
	current atomic.Int64

	writing  sync.Mutex // guards out
	requests *os.File
	out      *sender
}

const killed = -1

const (
	starting = 10 * time.Second // for a helper to reach Serve
	silence  = 10 * time.Second // in which nothing is heard of a helper: it is stopped, or worse
	leaving  = 2 * time.Second  // for a helper to exit when it is told to
)

// launch starts a process, which ends when its pipes are closed.
func (p *Process) launch() (*helper, error) {
	theirIn, requests, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	replies, theirOut, err := os.Pipe()
	if err != nil {
		closeFiles(theirIn, requests)
		return nil, err
	}
	defer closeFiles(theirIn, theirOut)
	cmd := &exec.Cmd{
		Path: ownProgram(), Args: os.Args, Env: p.environ(),
		Stdout: p.output[0], Stderr: p.output[1], ExtraFiles: []*os.File{theirIn, theirOut},
	}
	if err := cmd.Start(); err != nil {
		closeFiles(requests, replies)
		return nil, err
	}
	h := &helper{
		cmd: cmd, replies: replies, in: newReceiver(patient{replies}, p.Max), started: time.Now(),
		greeted: make(chan struct{}), exited: make(chan struct{}),
		requests: requests, out: newSender(patient{requests}),
	}
	p.helpers.Go(h.wait)
	p.helpers.Go(h.greet)
	return h, nil
}

// wait notes the end of the process. What it has said before is still read; a
// descendant of it that holds the pipe open cannot delay that for long.
func (h *helper) wait() {
	_ = h.cmd.Wait() // its error is in ProcessState
	_ = h.replies.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	close(h.exited)
}

// greet waits for the hello.
func (h *helper) greet() {
	defer close(h.greeted)
	late := time.AfterFunc(starting, h.kill)
	if m, err := h.in.receive(); err != nil || m.Kind != hello {
		h.greeting = fmt.Errorf("it has not come to Serve: %w", h.death(err))
	}
	late.Stop()
}

// serves says whether the helper has greeted, or failed to.
func (h *helper) serves() bool {
	select {
	case <-h.greeted:
		return true
	default:
		return false
	}
}

// gone says whether the helper has ended.
func (h *helper) gone() bool {
	select {
	case <-h.exited:
		return true
	default:
		return false
	}
}

// due says whether the helper is to be replaced.
func (h *helper) due(c Cycle) bool {
	return c.Jobs > 0 && h.jobs >= c.Jobs ||
		c.Age > 0 && time.Since(h.started) >= c.Age ||
		c.Memory > 0 && resident(h.cmd.Process.Pid) > c.Memory
}

// call has a job done. After an error the helper is of no use any more.
func (h *helper) call(ctx context.Context, request message, patience time.Duration) (reply message, err error) {
	h.jobs++
	request.Serial = h.jobs
	if deadline, ok := ctx.Deadline(); ok {
		request.Timeout = max(time.Until(deadline), 1)
	}
	h.current.Store(int64(request.Serial))
	stop := context.AfterFunc(ctx, func() { h.cancel(request.Serial, patience) })
	defer stop()
	err = h.say(request)
	for err == nil && reply.Kind == 0 {
		reply, err = h.hear()
	}
	if err == nil && reply.Serial != request.Serial {
		err = fmt.Errorf("it answers job %d in place of %d", reply.Serial, request.Serial)
	}
	if err == nil && h.current.CompareAndSwap(int64(request.Serial), 0) {
		return reply, nil
	}
	err = h.death(err)
	if ctx.Err() != nil {
		return reply, fmt.Errorf("offload: %s: %w (%w)", request.Function, context.Cause(ctx), err)
	}
	return reply, fmt.Errorf("%w in %s: %w", ErrDied, request.Function, err)
}

// hear returns a reply, or nothing but that the helper is alive.
func (h *helper) hear() (m message, err error) {
	if m, err = h.in.receive(); m.Kind == alive {
		m.Kind = 0
	}
	return m, err
}

func (h *helper) say(m message) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	return h.out.send(m)
}

// cancel tells the helper that nobody waits for a job any more, and kills it
// if it does not heed that. It may have stopped reading.
func (h *helper) cancel(serial int, patience time.Duration) {
	time.AfterFunc(patience, func() {
		if h.current.CompareAndSwap(int64(serial), killed) {
			h.kill()
		}
	})
	if h.current.Load() == int64(serial) {
		_ = h.say(message{Kind: cancel, Serial: serial}) // fails if it has died, which the caller notices
	}
}

func (h *helper) kill() { _ = h.cmd.Process.Kill() } // fails if it has ended

// dismiss tells the helper to end, and sees to it.
func (h *helper) dismiss() {
	closeFiles(h.requests, h.replies)
	time.AfterFunc(leaving, h.kill)
}

// death waits for the end of a helper that has said nothing more, or nonsense,
// and says how it came.
func (h *helper) death(said error) error {
	patience := leaving
	if !errors.Is(said, io.EOF) && !errors.Is(said, io.ErrUnexpectedEOF) {
		patience = 0 // it has not closed its end: it does not die by itself
	}
	late := time.AfterFunc(patience, h.kill)
	defer late.Stop()
	<-h.exited
	return fmt.Errorf("pid %d: %v (%w)", h.cmd.Process.Pid, h.cmd.ProcessState, said)
}
