package accept

import (
	"cmp"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/support-go/support/stats"
)

// Queue is a listener that bounds its connections. Its methods may be called
// by any number of goroutines. Whoever calls Accept does all of its work: there
// must always be somebody who does, as http.Server sees to.
type Queue struct {
	net.Listener
	limits  Limits
	account *account
	door    *door // nil where there is none

	accepting sync.Mutex // held by the one who accepts; guards what follows, and door
	room      room
	trouble   trouble
	told      bool // that there is no room

	hooked  atomic.Bool   // a server tells which connections have a request
	held    atomic.Int64  // until when nobody else is wanted, in ns of Unix; 0 for not
	active  atomic.Int64  // connections with a request
	taken   atomic.Uint64 // connections and calls of CloseIdle so far, a clock for who has been idle for longest
	looked  atomic.Uint64 // taken at the latest call of CloseIdle
	closing chan struct{}
	close   sync.Once

	mu    sync.Mutex
	conns map[*Conn]struct{}
}

// NewQueue returns a Queue that takes its connections from ln. Closing it closes
// ln. reg may be nil; a nil log is slog.Default().
func NewQueue(ln net.Listener, limits Limits, reg *stats.Registry, log *slog.Logger) *Queue {
	q := &Queue{
		Listener: ln,
		limits:   limits.InForce(),
		account:  newAccount(reg, cmp.Or(log, slog.Default())),
		closing:  make(chan struct{}),
		conns:    make(map[*Conn]struct{}),
	}
	q.room.canWait, _ = ln.(deadliner)
	if q.limits.Room != nil {
		q.door = newDoor(ln)
	}
	return q
}

// hold is how long a connection that was let in as the last one may take until
// its request is counted by whoever says how much room there is.
const hold = time.Millisecond

// Accept waits for a connection that is wanted. Errors that pass, such as too
// many open files, it survives by itself. After Close it gives out what still
// waits, and then net.ErrClosed.
func (q *Queue) Accept() (net.Conn, error) {
	q.accepting.Lock()
	defer q.accepting.Unlock()
	for {
		if c := q.nextWaiting(); c != nil {
			return q.letIn(c), nil
		}
		var err error
		shut := q.shut()
		q.tell(shut)
		switch {
		case q.closed():
			if !q.door.handOn(q) {
				return nil, net.ErrClosed
			}
		case shut:
			err = q.door.work(q)
		case q.door.handOn(q): // one, which may be the last that is wanted
		default:
			var c net.Conn
			if c, err = q.take(); c != nil {
				return c, nil
			}
		}
		if err != nil && !q.passes(err) {
			return nil, err
		}
	}
}

// tell says to the others of the group whether this one is full.
func (q *Queue) tell(full bool) {
	if q.told != full {
		q.told = full
		q.limits.Group.Full(full)
	}
}

// passes says whether Accept may go on after an error, and waits for a moment if
// it is trouble.
func (q *Queue) passes(err error) bool {
	var temporary interface{ Temporary() bool }
	switch {
	case q.closed(): // there may be some to give out
	case errors.Is(err, os.ErrDeadlineExceeded): // set to wake whoever waits
		if q.room.canWait != nil {
			_ = q.room.canWait.SetDeadline(time.Time{})
		}
	case errors.As(err, &temporary) && temporary.Temporary():
		q.trouble.wait(q, err)
	default:
		return false
	}
	return true
}

// letIn gives c out, which has passed all that could keep it out.
func (q *Queue) letIn(c net.Conn) *Conn {
	own := newConn(q, c)
	q.taken.Add(1)
	q.mu.Lock()
	q.conns[own] = struct{}{}
	q.mu.Unlock()
	if q.limits.Room != nil && q.limits.Room() <= 1 {
		q.held.Store(time.Now().Add(hold).UnixNano())
	}
	return own
}

// shut says whether nobody new is wanted, and there is a door to tell them.
func (q *Queue) shut() bool {
	if q.door == nil {
		return false
	}
	if until := q.held.Load(); until > 0 {
		if time.Now().UnixNano() < until {
			return true
		}
		q.held.CompareAndSwap(until, 0)
	}
	return q.limits.Room() <= 0
}

func (q *Queue) full() bool {
	return q.limits.Active >= 0 && q.active.Load() >= int64(q.limits.Active)
}

func (q *Queue) closed() bool {
	select {
	case <-q.closing:
		return true
	default:
		return false
	}
}

// Close ends accepting. Connections stay open, and those that wait are given out
// by Accept still.
func (q *Queue) Close() (err error) {
	q.close.Do(func() {
		close(q.closing)
		err = q.Listener.Close()
		q.door.close()
	})
	return err
}

// SyscallConn gives access to the listening socket.
func (q *Queue) SyscallConn() (syscall.RawConn, error) {
	if socket, ok := q.Listener.(syscall.Conn); ok {
		return socket.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// State is what a Queue holds at one moment.
type State struct {
	Open    int           // connections
	Active  int           // of these, those with a request
	Waiting int           // taken from the kernel, and not yet given out
	Oldest  time.Duration // for which the first of those has waited in the room
}

// State says what the queue holds.
func (q *Queue) State() State {
	q.mu.Lock()
	defer q.mu.Unlock()
	return State{Open: len(q.conns), Active: int(q.active.Load()), Waiting: q.Waiting(), Oldest: q.room.age()}
}

// Waiting is the number of connections that have been taken from the kernel,
// and not yet been given out.
func (q *Queue) Waiting() int { return int(q.room.length.Load()) }

// Refused are the latest connections that were turned away, the oldest first, at
// most 256.
func (q *Queue) Refused() []Refused { return q.account.journal.Latest() }
