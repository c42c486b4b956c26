// Package prefork keeps copies of this program alive on shared sockets.
//
// A [Supervisor] binds the sockets, starts the same program again as its
// workers, and watches them: one that dies is replaced, one that no longer
// answers is shown the door, and a reload replaces all of them, each one ready
// before the one it replaces stops accepting. The supervisor reads nothing from
// the network and runs no code of the application.
//
// A program finds out what it is by calling [Inherited]: in the process that
// the user started that gives nil, in its copies a [Worker] with the sockets.
// Everything that a program does before that call happens in every process.
//
//	        +-------------------------------+
//	HUP --> |  supervisor                   |
//	TERM -> |  sockets, pids, control.sock  |
//	        +---+-----------+-----------+---+
//	     link   |           |           |       one socket pair each: orders,
//	        +---v----+  +---v----+  +---v----+  heartbeat, and an end of file
//	        | worker |  | worker |  | helper |  for whoever is left behind
//	        +--------+  +--------+  +--------+
//
// It works on Linux and macOS. Elsewhere [Supervisor.Run] fails with
// [errors.ErrUnsupported].
package prefork

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/ledger"
)

// WorkerRole is the role of those that do the work. Any other role is a
// helper's, of which there is one process each.
const WorkerRole = "worker"

// Supervisor says what to keep alive. Fields must not change once Run has
// been called, and Run may be called once.
type Supervisor struct {
	Name    string   // of the group, as it appears in logs and paths; required
	Workers int      // processes of WorkerRole; at least 1
	Helpers []string // roles of the processes beside them

	Sockets []Socket // bound before the first process starts, inherited by all of a role
	Limits  Limits   // when patience ends

	Dir  string       // holds control.sock and the workers' sockets, see RuntimeDir
	Args []string     // of every process, the name of the program first; default os.Args
	Log  *slog.Logger // default slog.Default(), with Name as its group

	// SetLevel changes from which level on Log writes for a time, of a package and
	// those below it, or of everything if path is "". Nil if nobody can.
	SetLevel func(path string, level slog.Level, howLong time.Duration)

	// Output is given each line that a process writes to its standard output or
	// error, in turn for each stream, and must not wait: the process would too.
	// Without it, processes write where the supervisor does.
	Output func(Line)

	once     sync.Once
	ready    chan struct{}
	stopped  chan struct{}
	commands chan command
}

// Socket is an address to listen on and the role of the processes that get
// it. Its name must be unique.
type Socket struct {
	bind.Socket
	Role string `json:"role"` // default WorkerRole
}

// Limits says how long a supervisor waits before it acts, and what workers may
// use. Zero fields take the defaults.
type Limits struct {
	Start   time.Duration // from the start of a process until it is ready; default 30 s
	Silence time.Duration // without a sign of life, asked for each second; default 10 s
	Stuck   time.Duration // with requests running and none ending, or with no connections, taking none of those that come; default 60 s; below 0 never
	Drain   time.Duration // from the order to drain until the end; default 40 s
	Orphan  time.Duration // a worker serves on without its supervisor; default 60 s; below 0 not at all
	Floor   int           // fewest workers that Scale can ask for; default 1
	Ceiling int           // most workers that Scale can ask for; default 4 x Workers
	Cycling Cycling       // what a worker may have used before it is replaced
}

// InForce returns l with the defaults for a number of workers where nothing is
// set.
func (l Limits) InForce(workers int) Limits {
	l.Start = cmp.Or(l.Start, 30*time.Second)
	l.Silence = cmp.Or(l.Silence, 10*time.Second)
	l.Stuck = cmp.Or(l.Stuck, time.Minute)
	l.Drain = cmp.Or(l.Drain, 40*time.Second)
	l.Orphan = cmp.Or(l.Orphan, time.Minute)
	l.Floor = cmp.Or(l.Floor, 1)
	l.Ceiling = cmp.Or(l.Ceiling, min(4*workers, maxWorkers))
	l.Cycling = l.Cycling.withDefaults()
	return l
}

// Counts is what a worker has taken on, from a page of memory that it shares
// with its supervisor and that outlives it.
type Counts = ledger.Counts

// Check finds everything that is wrong with the configuration, without
// touching anything.
func (s *Supervisor) Check() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if err := checkName(s.Name); err != nil {
		problems = append(problems, err)
	}
	if s.Workers < 1 || s.Workers > maxWorkers {
		add("Workers is %d: want 1 to %d", s.Workers, maxWorkers)
	}
	roles := map[string]bool{WorkerRole: true}
	for _, role := range s.Helpers {
		if role == "" || roles[role] {
			add("helper of the role %q: want a name, and each role once", role)
		}
		roles[role] = true
	}
	seen := make(map[string]bool)
	for _, socket := range s.Sockets {
		if socket.Role != "" && !roles[socket.Role] {
			add("socket %s: no process has the role %q", socket.Name, socket.Role)
		}
		if err := socket.Check(); err != nil {
			add("socket %s: %w", socket.Name, err)
		}
		if seen[socket.Name] {
			add("socket %s: there are two of that name", socket.Name)
		}
		seen[socket.Name] = true
	}
	for name, d := range map[string]time.Duration{
		"Start": s.Limits.Start, "Silence": s.Limits.Silence, "Drain": s.Limits.Drain,
	} {
		if d < 0 {
			add("Limits.%s is %v: want a duration above 0, or 0 for the default", name, d)
		}
	}
	if l := s.Limits.InForce(s.Workers); s.Workers >= 1 && (l.Floor < 1 || l.Floor > s.Workers || l.Ceiling < s.Workers || l.Ceiling > maxWorkers) {
		add("Workers is %d, Limits.Floor %d and Limits.Ceiling %d: want 1 <= Floor <= Workers <= Ceiling <= %d", s.Workers, l.Floor, l.Ceiling, maxWorkers)
	}
	problems = append(problems, s.Limits.Cycling.check())
	return errors.Join(problems...)
}

// maxWorkers is far beyond what one machine can use, and small enough that a
// slip of the finger does not take the machine down.
const maxWorkers = 1024

// checkName wants what is safe as a file name and in a log.
func checkName(name string) error {
	safe := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if name == "" || len(name) > 64 || strings.HasPrefix(name, ".") || strings.ContainsFunc(name, func(r rune) bool { return !safe(r) }) {
		return fmt.Errorf("name %q: want 1 to 64 letters, digits, dots, dashes or underscores, the first of them no dot", name)
	}
	return nil
}

// init makes the channels by which Run and the other methods meet, whichever
// is called first.
func (s *Supervisor) init() {
	s.once.Do(func() {
		s.ready = make(chan struct{})
		s.stopped = make(chan struct{})
		s.commands = make(chan command)
	})
}

// Ready is closed once all workers have been ready for the first time.
func (s *Supervisor) Ready() <-chan struct{} {
	s.init()
	return s.ready
}

// Reload replaces all processes by fresh ones of the same program, one at a
// time, each ready before its predecessor drains. It returns nil when the last
// of the old ones has gone. If a new one does not get ready, the reload ends
// there with the reason, and the old ones serve on. ErrBusy means that a
// reload is under way already.
func (s *Supervisor) Reload(ctx context.Context) error {
	_, err := s.command(ctx, command{do: doReload})
	return err
}

// ErrBusy is the error of a command that another one is in the way of.
var ErrBusy = errors.New("prefork: busy with another command")

// ErrStopped is the error of a command that came after the end of Run. One that
// comes before Run waits for it.
var ErrStopped = errors.New("prefork: not running")

// State returns what the supervisor knows at this moment.
func (s *Supervisor) State(ctx context.Context) (State, error) {
	return s.command(ctx, command{do: doState})
}

// Kill ends a stop that takes too long: workers close what they have open and
// exit; one that has not gone a second later is killed.
func (s *Supervisor) Kill(ctx context.Context) error {
	_, err := s.command(ctx, command{do: doKill})
	return err
}

// Stop has the workers drain, and ends Run when the last of them has gone, as
// the end of its ctx does. It returns when that has begun.
func (s *Supervisor) Stop(ctx context.Context) error {
	_, err := s.command(ctx, command{do: doStop})
	return err
}

// What a command asks for.
const (
	doState = iota
	doReload
	doKill
	doScale
	doScaleBy
	doSetCycling
	doCycle
	doStop
)

type command struct {
	do      int
	workers int         // of doScale and doScaleBy
	slot    int         // of doCycle
	marks   Cycling     // of doSetCycling
	reply   chan result // has room for one, so that the loop never waits
}

type result struct {
	state State
	err   error
}

func (s *Supervisor) command(ctx context.Context, c command) (State, error) {
	s.init()
	c.reply = make(chan result, 1)
	select {
	case s.commands <- c:
	case <-s.stopped:
		return State{}, ErrStopped
	case <-ctx.Done():
		return State{}, context.Cause(ctx)
	}
	select {
	case r := <-c.reply:
		return r.state, r.err
	case <-s.stopped:
		select { // the answer may have been the last thing that was done
		case r := <-c.reply:
			return r.state, r.err
		default:
			return State{}, ErrStopped
		}
	case <-ctx.Done():
		return State{}, context.Cause(ctx)
	}
}

func (s *Supervisor) args() []string {
	if s.Args != nil {
		return s.Args
	}
	return os.Args
}

func (s *Supervisor) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default().With("group", s.Name)
}
