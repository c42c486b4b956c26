package offload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/stats"
)

// Pool bounds how many jobs run at once, and how many wait. The zero value is
// ready. Its fields must not change once it is in use, which fills in the
// defaults; its methods, and Do, may be called by any number of goroutines.
type Pool struct {
	Name   string // in statistics, logs and errors; default "pool"
	Size   int    // jobs that run at once; default GOMAXPROCS - 1, at least 1
	Limits Limits
	Log    *slog.Logger    // default slog.Default()
	Stats  *stats.Registry // nil keeps none that anybody sees

	once  sync.Once
	meter meter
	gate  *admit.Gate // which has the lanes
	first sync.Once   // job has come

	mu      sync.Mutex
	running list // of jobs that hold a lane
	waiting list // of jobs that wait for one
	closed  bool
	empty   chan struct{} // closed when closed and nothing runs; made by Close
	watch   watch
}

// Limits say how long jobs may wait and run. Zero fields take defaults.
type Limits struct {
	// Queue is how many jobs may wait for a lane; one more is shed. Default 64
	// for each lane; negative none.
	Queue int

	// Wait is the longest that a job waits for a lane before it is shed. One
	// that would wait for longer than two fifths of it, by how long jobs take of
	// late, is shed at once, as is one that would not run before the deadline of
	// its context; while there has always been a queue for that time, a fifth.
	// Default 10 s; negative as long as the context allows.
	Wait time.Duration

	// Patience is how long a job may go on after its context has ended. Then
	// its caller is told so and leaves; the job keeps its lane until it returns,
	// and must not use what its caller takes back, such as a request's body.
	// What it returns is lost. Default 0: the caller always waits for its job.
	//
	// With Patience a job of a Pool runs on a goroutine of its own, which
	// costs a microsecond or two. A Process kills the helper instead of
	// leaving it; there the default is 1 s.
	Patience time.Duration

	// Budget is how long a job may run before its stack is written to the log,
	// at most one a second. Default 0: as long as it likes.
	Budget time.Duration
}

// forever is longer than a job waits for, and can be added to a time.
const forever = 1000 * time.Hour

// ErrShed is the error of a job that has not been run, because too many wait
// or it has waited too long. It is admit.ErrShed, so that admit.Refuse answers a
// request with it.
var ErrShed error = shedError("offload: shed")

type shedError string

func (e shedError) Error() string { return string(e) }

// Is makes it an admit.ErrShed.
func (e shedError) Is(target error) bool { return target == admit.ErrShed }

// ErrClosed is the error of a job for a pool that has been closed.
var ErrClosed = errors.New("offload: closed")

// NewPool returns a Pool of that name and size, see there.
func NewPool(name string, size int) *Pool { return &Pool{Name: name, Size: size} }

// Close sheds what waits, refuses what comes, and returns when nothing runs any
// more, or with an error when ctx ends. It may be called again.
func (p *Pool) Close(ctx context.Context) error {
	p.init()
	empty := p.shut()
	select {
	case <-empty:
		return nil
	default: // an end of ctx that has come before must not hide that nothing runs
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("offload: pool %q: %s: %w", p.Name, p.describeRunning(), context.Cause(ctx))
	}
}

func (p *Pool) shut() (empty <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.empty == nil {
		p.empty = make(chan struct{})
	}
	if !p.closed && p.running.len == 0 {
		close(p.empty)
	}
	p.closed = true
	for j := range p.waiting.all {
		j.withdraw(ErrClosed)
	}
	return p.empty
}

func (p *Pool) describeRunning() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running.len == 0 {
		return "no job runs"
	}
	oldest := p.running.first
	return fmt.Sprintf("%d jobs still run, the oldest (%s) for %v", p.running.len, oldest.of.name, time.Since(oldest.began).Round(time.Millisecond))
}

// init fills in what is left out.
func (p *Pool) init() {
	p.once.Do(func() {
		p.Name = cmp.Or(p.Name, "pool")
		if p.Size <= 0 {
			p.Size = max(1, runtime.GOMAXPROCS(0)-1)
		}
		p.Limits = p.Limits.orDefaults(p.Size)
		if p.Log == nil {
			p.Log = slog.Default()
		}
		p.meter.init(p.Name, p.Stats)
		p.gate = admit.Fixed(p.Size, p.Limits.Wait, p.Log.With("pool", p.Name))
	})
}

func (l Limits) orDefaults(size int) Limits {
	switch {
	case l.Queue == 0:
		l.Queue = 64 * size
	case l.Queue < 0:
		l.Queue = 0
	}
	if l.Wait = cmp.Or(l.Wait, 10*time.Second); l.Wait < 0 {
		l.Wait = forever
	}
	return l
}
