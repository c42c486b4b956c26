package offload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// The ends of the pipes in a helper, after the standard three.
const (
	requestsDescriptor = 3
	repliesDescriptor  = 4
)

// server runs jobs in a helper, one at a time.
type server struct {
	process *Process
	lane    *Pool // which watches the budget

	writing sync.Mutex // guards replies
	replies *sender

	mu      sync.Mutex // guards what follows
	serial  int        // of the job that runs
	abandon context.CancelFunc
}

// serveParent returns when the process that has started this one closes its
// ends, or has died, whatever a job does at that time.
func (p *Process) serveParent() error {
	if err := os.Unsetenv(processVariable); err != nil { // it is not for what jobs start
		return err
	}
	p.init()
	nameProcess(os.Args[0])
	// Who stops the program sends signals to all of it, at a terminal or by its
	// control group. Helpers are needed until their parent has drained.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	requests, err := inheritedPipe(requestsDescriptor, "requests")
	if err != nil {
		return err
	}
	replies, err := inheritedPipe(repliesDescriptor, "replies")
	if err != nil {
		return err
	}
	return p.serve(requests, replies)
}

func (p *Process) serve(requests io.Reader, replies io.Writer) error {
	s := &server{
		process: p,
		lane:    &Pool{Name: p.Name, Size: 1, Limits: Limits{Budget: p.Limits.Budget}, Log: p.Log},
		replies: newSender(replies),
	}
	s.lane.init()
	if err := s.replies.send(message{Kind: hello}); err != nil {
		return err
	}
	in := newReceiver(requests, p.Max)
	for {
		m, err := in.receive()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
		switch m.Kind {
		case start:
			s.start(m)
		case cancel:
			s.cancel(m.Serial)
		}
	}
}

func (s *server) start(m message) {
	ctx, abandon := context.WithCancel(context.Background())
	if m.Timeout > 0 {
		ctx, abandon = context.WithTimeout(context.Background(), m.Timeout)
	}
	s.mu.Lock()
	s.serial, s.abandon = m.Serial, abandon
	s.mu.Unlock()
	go func() { // ends with the process, if not before
		defer abandon()
		over := make(chan struct{})
		go s.live(over)
		defer close(over)
		s.run(ctx, m)
	}()
}

func (s *server) cancel(serial int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serial == serial {
		s.abandon()
	}
}

// run runs a job and sends what comes of it.
func (s *server) run(ctx context.Context, m message) {
	reply := message{Serial: m.Serial}
	protect(func() ([]byte, error) { return s.call(ctx, m) }, func(o outcome[[]byte]) {
		switch {
		case o.panicked != nil:
			reply.Kind, reply.Text, reply.Stack = panicked, clip(fmt.Sprint(o.panicked.Value)), o.panicked.Stack
		case o.err != nil:
			reply.Kind, reply.Text, reply.Ended = failed, clip(o.err.Error()), endedBy(o.err)
		default:
			reply.Kind, reply.Body = succeeded, o.value
		}
	})
	s.say(reply)
}

// live gives signs of life until over is closed.
func (s *server) live(over <-chan struct{}) {
	tick := time.NewTicker(silence / 5)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			s.say(message{Kind: alive})
		}
	}
}

func (s *server) say(m message) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.replies.send(m) // fails if the parent has gone, which serve notices
}

func (s *server) call(ctx context.Context, m message) ([]byte, error) {
	f := s.process.functions[m.Function]
	if f == nil {
		return nil, errors.New("this process does not know it: register it in every process of the program, before Serve")
	}
	var j job
	ctx, err := s.lane.begin(ctx, &j, f.of)
	if err != nil {
		return nil, err
	}
	defer j.end()
	v, err := f.run(ctx, m.Body)
	j.returned = true
	return v, err
}

// clip bounds what an error may say.
func clip(text string) string {
	const most = 64 << 10
	if len(text) > most {
		return fmt.Sprintf("%s… (%d bytes)", text[:most], len(text))
	}
	return text
}
