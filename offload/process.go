package offload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/stats"
)

// Process is a pool whose lanes are processes: this program, started again.
// It is for work that must not share the scheduler, the heap or the fate of
// its caller, such as a C library that leaks or crashes. What it runs has a
// name, since code cannot be sent, see Register:
//
//	func main() {
//		library := &offload.Process{Name: "library", Size: 2}
//		render := offload.Register(library, "render", render)
//		library.Serve() // in a helper process it runs jobs, and does not return
//		...
//		page, err := render.Do(ctx, document)
//	}
//
// A helper is started when a job first needs it, and runs one job at a time.
// When it dies in a job, that job fails with ErrDied, which may have done some
// of its work; the next one gets a new helper. Helpers have the standard output
// and error that this process has at Serve. They end with it, however it ends.
//
// Name is required, and may be used once in a program. The fields must not
// change once Serve has been called. There are no helpers on Windows.
type Process struct {
	Name   string // of the pool, and in the environment of its helpers
	Size   int    // helpers at once; default GOMAXPROCS - 1, at least 1
	Limits Limits // Patience is 1 s by default; a helper that exceeds it is killed
	Cycle  Cycle

	// Max is how many bytes the encoded form of what is given to a job, or of
	// what it returns, may have. Default 64 MiB.
	Max int

	Log   *slog.Logger    // default slog.Default()
	Stats *stats.Registry // nil keeps none that anybody sees

	functions map[string]*registered
	served    atomic.Bool // Serve has been called
	inside    bool        // this is a helper
	output    [2]*os.File // standard output and error as they were then

	once    sync.Once
	lanes   Lanes[*seat]
	helpers sync.WaitGroup
	cycling atomic.Bool // one of them is being replaced

	mu       sync.Mutex
	failures int       // to start, in a row
	rest     time.Time // until when none is started
	reason   error     // of the last failure
}

// Cycle says when a helper is replaced, between two jobs: one at a time. Another
// one is started first, and the old one goes on until that serves; so for a moment
// there is one more than Size. What is 0 is not looked at.
type Cycle struct {
	Jobs   int           // after so many
	Age    time.Duration // after so long
	Memory int64         // when it has more bytes resident; Linux only
}

// Errors of a Process.
var (
	ErrDied   = errors.New("offload: helper process died")
	ErrStart  = errors.New("offload: helper process cannot be started")
	ErrEncode = errors.New("offload: value cannot be sent to a helper process")
)

// processVariable names the Process that a helper is for.
const processVariable = "SUPPORT_OFFLOAD"

// Serve runs jobs and exits, if this is a helper process of p; else it returns
// at once. Call it early in main, after the last Register: what stands before
// it happens in each helper too. Without it, jobs fail with ErrStart.
func (p *Process) Serve() {
	if p.Name == "" {
		panic("offload: Process without Name")
	}
	if p.served.Swap(true) {
		panic("offload: Serve has been called twice for Process " + p.Name)
	}
	p.output = [2]*os.File{os.Stdout, os.Stderr}
	if os.Getenv(processVariable) != p.Name {
		return
	}
	p.inside = true
	if err := p.serveParent(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: helper of %q: %v\n", os.Args[0], p.Name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Close sheds what waits, refuses what comes, ends each helper when its job has
// ended, and returns when they are gone, or with an error when ctx ends. It
// fits as what Group.Setup returns.
func (p *Process) Close(ctx context.Context) error {
	p.init()
	if err := p.lanes.Close(ctx); err != nil {
		return err
	}
	p.helpers.Wait() // those that do not go are killed
	return nil
}

func (p *Process) init() {
	p.once.Do(func() {
		p.Limits.Patience = cmp.Or(p.Limits.Patience, time.Second)
		p.Max = cmp.Or(p.Max, 64<<20)
		if p.Log == nil {
			p.Log = slog.Default()
		}
		limits := p.Limits
		limits.Patience, limits.Budget = 0, 0 // seen to by call and by the helper
		p.lanes = Lanes[*seat]{
			Name: p.Name, Size: p.Size, Limits: limits, Log: p.Log, Stats: p.Stats,
			Build:   func(context.Context) (*seat, error) { return &seat{of: p}, nil },
			Discard: (*seat).close,
		}
		p.lanes.init()
	})
}
