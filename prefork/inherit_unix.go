//go:build linux || darwin

package prefork

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/turns"
)

// Supported says whether this system can run a Supervisor.
const Supported = true

// Inherited returns the Worker that this process is, or nil if no Supervisor
// has started it. It sets the number of Ps and the memory limit that are this
// process's share. It may be called once; what it takes from the environment is
// gone afterwards, so that no child of this process believes to be a worker.
func Inherited(log *slog.Logger) (*Worker, error) {
	number := os.Getenv(linkVariable)
	if number == "" {
		return nil, nil
	}
	if err := os.Unsetenv(linkVariable); err != nil {
		return nil, err
	}
	fd, err := strconv.Atoi(number)
	if err != nil || fd < firstDescriptor {
		return nil, fmt.Errorf("prefork: %s is %q: it is set by a supervisor, for its own children", linkVariable, number)
	}
	link, err := adoptConn(fd)
	if err != nil {
		return nil, fmt.Errorf("prefork: %s is %q, and that is no link to a supervisor: %w", linkVariable, number, err)
	}
	lines := bufio.NewReaderSize(link, maxMessage)
	next := func() (m message, err error) {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return m, err
		}
		return m, json.Unmarshal(line, &m)
	}
	first, err := next()
	if err != nil || first.Handover == nil {
		return nil, fmt.Errorf("prefork: the supervisor has said nothing: %w", err)
	}
	w := &Worker{
		handover: *first.Handover,
		log:      log.With("worker", first.Handover.Slot),
		orders:   make(chan Order, 2), // one of each weight
		orphaned: make(chan struct{}),
		link:     link,
	}
	if err := w.settleIn(); err != nil {
		w.Failed(err)
		return nil, err
	}
	go w.obey(next)
	return w, nil
}

// adoptConn makes a connection of an inherited descriptor.
func adoptConn(fd int) (net.Conn, error) {
	unix.CloseOnExec(fd)
	return netConn(fd)
}

// settleIn takes what the handover names into use.
func (w *Worker) settleIn() error {
	h := &w.handover
	keepNoCore()
	nameProcess(filepath.Base(os.Args[0]))
	runtime.GOMAXPROCS(h.Procs)
	if h.MemoryLimit > 0 {
		debug.SetMemoryLimit(h.MemoryLimit)
	}
	unix.CloseOnExec(h.Ledger)
	mem, err := unix.Mmap(h.Ledger, 0, ledger.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("prefork: map the ledger: %w", err)
	}
	if w.page, err = ledger.On(mem); err != nil {
		return err
	}
	w.page.Claim()
	w.adoptOutputs()
	if err := w.sitDown(); err != nil {
		return err
	}
	unix.CloseOnExec(h.Output)
	output := os.NewFile(uintptr(h.Output), "output")
	defer output.Close()
	if err := debug.SetCrashOutput(output, debug.CrashOptions{}); err != nil {
		return fmt.Errorf("prefork: crash output: %w", err)
	}
	for _, b := range h.Sockets {
		unix.CloseOnExec(b.Descriptor)
		if err := nonBlocking(b.Descriptor); err != nil {
			return fmt.Errorf("prefork: socket %s: %w", b.Name, err)
		}
	}
	if h.Control > 0 {
		conn, err := adoptConn(h.Control)
		if err != nil {
			return fmt.Errorf("prefork: control: %w", err)
		}
		w.questions = conn.(*net.UnixConn)
	}
	w.heedSignals()
	w.openPrivate()
	return nil
}

// sitDown takes this process's seat among its siblings.
func (w *Worker) sitDown() error {
	unix.CloseOnExec(w.handover.Board)
	mem, err := unix.Mmap(w.handover.Board, 0, turns.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("prefork: map the board: %w", err)
	}
	board, err := turns.On(mem)
	if err != nil {
		return fmt.Errorf("prefork: %w", err)
	}
	if n := w.handover.Seat; n < 0 || n >= turns.Seats {
		return fmt.Errorf("prefork: there is no seat %d", n)
	}
	w.seat = board.Seat(w.handover.Seat)
	return nil
}

// keepNoCore has no process write its memory, keys and all, to a disk when it
// dies. The hard limit stays, for whoever wants a core. A limit of one byte is too
// little for a file, like none at all, and Linux takes it as a ban on cores to a
// program, such as systemd's, which no other limit has any effect on.
func keepNoCore() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = min(1, limit.Max)
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit) // to lower one's own is always allowed
	}
}

// nonBlocking verifies what the supervisor has promised: a process that takes
// it on trust hangs in accept, and cannot be drained.
func nonBlocking(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if flags&unix.O_NONBLOCK == 0 {
		return fmt.Errorf("descriptor %d is blocking: some process that shares it has changed that", fd)
	}
	return nil
}

func (w *Worker) heedSignals() {
	// To ignore them outright would be inherited by what this process starts.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP)
	terminate := make(chan os.Signal, 2)
	signal.Notify(terminate, syscall.SIGTERM)
	go func() {
		<-terminate
		w.terminated()
		<-terminate
		w.order(Order{Why: "SIGTERM, twice", Now: true})
	}()
}

// openPrivate lets a later supervisor find this worker. Without a socket the
// worker serves as well.
func (w *Worker) openPrivate() {
	h := &w.handover
	if h.Dir == "" || h.Role != WorkerRole {
		return
	}
	path := workerSocket(h.Dir, h.Slot, os.Getpid())
	ln, err := control.Listen(path)
	if err != nil {
		w.log.Error("no private socket: no supervisor can take over from this worker", "error", err)
		return
	}
	go func() {
		if err := control.Serve(context.Background(), ln, w.private); err != nil {
			w.log.Error("private socket failed", "error", err)
		}
	}()
}

// Listener returns a listener on the socket of that name, which takes turns
// with those of the other workers. Closing it leaves the socket open in the
// other processes that share it.
func (w *Worker) Listener(name string) (net.Listener, error) {
	return take(w, name, func(b Bound) (net.Listener, error) {
		ln, err := bind.FromDescriptor(b.Descriptor)
		if err != nil || w.Role() != WorkerRole {
			return ln, err // alone at its socket
		}
		fair, err := turns.NewListener(ln, w.seat)
		if err != nil {
			_ = ln.Close()
			return nil, err
		}
		return fair, nil
	})
}

// PacketConn returns the socket for datagrams of that name. Each datagram goes
// to one of the workers that read; closing it leaves the socket open in the
// others.
func (w *Worker) PacketConn(name string) (net.PacketConn, error) {
	return take(w, name, func(b Bound) (net.PacketConn, error) { return bind.PacketFromDescriptor(b.Descriptor) })
}

// take makes something of an inherited socket.
func take[T any](w *Worker, name string, open func(Bound) (T, error)) (none T, err error) {
	w.holding.Lock()
	defer w.holding.Unlock()
	for _, b := range w.handover.Sockets {
		if b.Name != name {
			continue
		}
		taken, err := open(b)
		if err != nil {
			return none, fmt.Errorf("prefork: socket %s: %w", name, err)
		}
		return taken, nil
	}
	return none, fmt.Errorf("prefork: no socket %q has been inherited", name)
}
