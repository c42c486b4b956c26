package prefork

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/turns"
)

// Worker is this process as its supervisor sees it: a worker or a helper.
// Its methods may be called by any number of goroutines.
//
// It answers the supervisor's questions and heeds SIGTERM on goroutines that
// end with the process. SIGINT and SIGHUP it ignores: a terminal sends them to
// all processes of a group, and the supervisor passes on what they mean.
type Worker struct {
	handover handover
	log      *slog.Logger
	page     *ledger.Page
	seat     *turns.Seat
	orders   chan Order
	orphaned chan struct{} // closed when the supervisor has died

	writing   sync.Mutex // guards writes to link
	link      net.Conn
	questions *net.UnixConn // helpers only
	asking    sync.Mutex    // guards questions

	ordering sync.Mutex
	ordered  Order // the heaviest so far

	pipes  [2]*os.File // from which the supervisor reads our output and error, if it does
	plain  [2]*os.File // the supervisor's own
	taking sync.Mutex  // guards take
	take   func(Line)

	holding sync.Mutex // guards the descriptors in handover.Sockets
}

// Order tells a worker to go.
type Order struct {
	Why    string // in words for the log
	Alone  bool   // nobody else goes on accepting: what waits in the kernel's queue is for this worker to serve
	Now    bool   // without finishing anything
	Cycled bool   // the worker has passed a mark of Cycling: before it drains is the time to find out what it has used
}

// weight compares orders: only a heavier one is given after another.
func (o Order) weight() int {
	switch {
	case o.Now:
		return 2
	case o.Why != "":
		return 1
	}
	return 0
}

// Group is the supervisor's Name.
func (w *Worker) Group() string { return w.handover.Name }

// Role is WorkerRole or that of a helper.
func (w *Worker) Role() string { return w.handover.Role }

// Slot is the number of the place that the process fills, from 1.
func (w *Worker) Slot() int { return w.handover.Slot }

// Generation counts the reloads before this process was started, from 1.
func (w *Worker) Generation() int { return w.handover.Generation }

// Dir is the directory in which the group keeps its sockets, or "" if there is
// none. What a process leaves there under a name that ends in its pid and
// ".sock" is removed when it has ended.
func (w *Worker) Dir() string { return w.handover.Dir }

// Secret is known to all processes of this supervisor, and to no others.
func (w *Worker) Secret() (secret [16]byte) {
	copy(secret[:], w.handover.Secret)
	return secret
}

// Ledger is the account that the supervisor can read when this process has
// died.
func (w *Worker) Ledger() *ledger.Page { return w.page }

// Full says whether this process has all the work that it can do. While it has,
// new connections are left to workers that have not; when all are full, each
// takes its turn again.
func (w *Worker) Full(full bool) { w.seat.Full(full) }

// Spare says whether another worker has said that it is not Full, or has said
// nothing.
func (w *Worker) Spare() bool { return w.seat.Spare() }

// Orders gives the order to drain, when it comes, and after that perhaps one
// to go at once.
func (w *Worker) Orders() <-chan Order { return w.orders }

// Outputs returns the supervisor's standard output and error, or nil if they
// are also those of this process.
func (w *Worker) Outputs() (stdout, stderr *os.File) { return w.plain[0], w.plain[1] }

// OnOutput says what to do with the lines that this process writes to its
// standard output and error, in the place of Supervisor.Output, when the
// supervisor has died. Without it they go where the supervisor's own went.
func (w *Worker) OnOutput(take func(Line)) {
	w.taking.Lock()
	defer w.taking.Unlock()
	w.take = take
}

// Ready tells the supervisor that this process serves.
func (w *Worker) Ready() { w.say(message{Ready: true}) }

// Retire asks the supervisor to replace this process, and says why: it sees of
// itself what no mark of Cycling does. It serves on until its replacement is ready
// and the order to drain comes, which is not before it has served for
// Cycling.Sustained. The first time counts; helpers are not replaced.
func (w *Worker) Retire(why string) { w.say(message{Worn: why}) }

// Failed tells the supervisor that this process cannot start, and why. The
// process should exit then.
func (w *Worker) Failed(err error) {
	text := err.Error()
	w.say(message{Failed: text[:min(len(text), maxMessage/4)]})
}

// Status asks the supervisor what it knows. Only helpers can ask.
func (w *Worker) Status(ctx context.Context) (State, error) {
	if w.questions == nil {
		return State{}, errors.New("prefork: only a helper can ask its supervisor")
	}
	w.asking.Lock()
	defer w.asking.Unlock()
	var state State
	_, err := control.AskOver(ctx, w.questions, control.Request{Do: "status"}, &state)
	_ = w.questions.SetDeadline(time.Time{})
	return state, err
}

func (w *Worker) say(m message) {
	w.writing.Lock()
	defer w.writing.Unlock()
	_ = writeMessage(w.link, m) // the supervisor's death is noticed by the reader
}

// order passes o on if it is heavier than what has been ordered before. There
// are two weights, and room for both.
func (w *Worker) order(o Order) {
	w.ordering.Lock()
	defer w.ordering.Unlock()
	if o.weight() <= w.ordered.weight() {
		return
	}
	w.ordered = o
	w.orders <- o
}

// obey follows the link until the supervisor dies.
func (w *Worker) obey(next func() (message, error)) {
	for {
		m, err := next()
		if err != nil {
			break
		}
		switch {
		case m.Ping:
			w.say(message{Pong: true, Work: ownWork()})
		case m.Drain != "":
			w.order(Order{Why: m.Drain, Alone: m.Stopping, Cycled: m.Cycled})
		case m.Now:
			w.order(Order{Why: "at once", Now: true})
		}
	}
	close(w.orphaned)
	w.takeOutput()
	w.surviveSupervisor()
}

// surviveSupervisor serves on for a while, so that another supervisor can take
// the sockets over without a connection being lost. A helper has nothing that
// anybody could need.
func (w *Worker) surviveSupervisor() {
	if w.Role() != WorkerRole {
		w.order(Order{Why: "the supervisor has died", Now: true})
		return
	}
	patience := w.handover.Orphan
	w.log.Error("the supervisor has died: serving on", "supervisor", w.handover.Supervisor, "for", max(patience, 0))
	if patience > 0 {
		time.Sleep(patience)
	}
	w.order(Order{Why: "the supervisor has died and nobody has taken over", Alone: true})
}

// terminated is what SIGTERM means: to drain, and the second time, to go.
func (w *Worker) terminated() {
	select {
	case <-w.orphaned:
		w.order(Order{Why: "SIGTERM", Alone: true})
	default:
		w.say(message{Drains: "SIGTERM"})
		w.order(Order{Why: "SIGTERM"})
	}
}

// private answers on the worker's own socket, for a supervisor that comes
// after the death of this one.
func (w *Worker) private(_ context.Context, r control.Request) (control.Answer, error) {
	switch r.Do {
	case "sockets", "drain":
	default:
		return control.Answer{}, errors.New("unknown command: there are sockets and drain")
	}
	select {
	case <-w.orphaned:
	default:
		return control.Answer{}, errors.New("this worker has a supervisor")
	}
	if r.Do == "drain" {
		w.order(Order{Why: "another supervisor has taken over"})
		return control.Answer{Value: "draining"}, nil
	}
	w.holding.Lock()
	defer w.holding.Unlock()
	a := control.Answer{Value: slices.Clone(w.handover.Sockets)}
	for _, b := range w.handover.Sockets {
		if b.Descriptor < 0 {
			return control.Answer{}, errors.New("this worker has let go of its sockets")
		}
		a.Descriptors = append(a.Descriptors, b.Descriptor)
	}
	return a, nil
}

// LetGo closes the descriptors from which Listener makes its listeners, so
// that the last of those to be closed closes the socket. From then on no
// supervisor can take them over.
func (w *Worker) LetGo() {
	w.holding.Lock()
	defer w.holding.Unlock()
	closeSockets(w.handover.Sockets)
	if w.handover.Dir != "" && w.Role() == WorkerRole {
		_ = os.Remove(workerSocket(w.handover.Dir, w.Slot(), os.Getpid()))
	}
}

// linkVariable names the descriptor of the link in a child's environment.
const linkVariable = "SUPPORT_LINK"

// markVariable tells whose descendant a process is. What is to outlive the worker
// that starts it must not have it.
const markVariable = "SUPPORT_WORKER"

// IsChild says whether a Supervisor has started this process and Inherited has
// not been called yet.
func IsChild() bool { return os.Getenv(linkVariable) != "" }
