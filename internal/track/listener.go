// Package track counts connections from the moment they are accepted to the
// moment they are closed, whoever serves them.
//
// net/http knows a connection only some time after it has been accepted, and
// forgets it when it is hijacked; what nobody knows is lost when a server
// stops. So the listener itself keeps the list.
package track

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/support-go/support/internal/layer"
	"github.com/support-go/support/internal/ledger"
)

// Listener hands out connections that it remembers until they are closed.
// Its methods may be called by any number of goroutines.
type Listener struct {
	net.Listener
	page *ledger.Page

	// Stall is the longest time in which a peer must take or give 1 KiB while
	// something waits for it, if Watch runs; not above 0 for any time. It is set
	// before the first Accept.
	Stall  time.Duration
	Slow   int // requests at once whose clients give or take next to nothing, if Watch runs; not above 0 for any number; set like Stall
	Faults Faults

	accepting chan struct{} // closed at the first Accept
	first     sync.Once

	waiting func() int // connections that the listener below has taken from the kernel, and not given out

	closed  chan struct{} // closed by Close
	closing sync.Once

	arrived chan struct{} // has room for the one thing to know: there are connections

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	arriving int           // calls of Accept, each of which may bring one more
	changed  chan struct{} // closed and replaced when the last connection goes
}

// NewListener tracks the connections of ln and counts them in page. Closing
// it closes ln, and no connection.
//
// If ln is a queue that says how many are Waiting in it, these are waited for as
// well before the Listener is empty.
func NewListener(ln net.Listener, page *ledger.Page) *Listener {
	waiting := func() int { return 0 }
	if queue, ok := ln.(interface{ Waiting() int }); ok {
		waiting = queue.Waiting
	}
	return &Listener{
		waiting:   waiting,
		Listener:  ln,
		page:      page,
		accepting: make(chan struct{}),
		closed:    make(chan struct{}),
		arrived:   make(chan struct{}, 1),
		conns:     make(map[*Conn]struct{}),
		changed:   make(chan struct{}),
	}
}

// Accept waits for the next connection. After Close its error is
// net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	l.arrive(1)
	defer l.arrive(-1)
	l.first.Do(func() { close(l.accepting) })
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &Conn{Conn: layer.Conn{Conn: inner}, listener: l, since: time.Now(), counted: counts(socket(inner))}
	l.page.Accept()
	l.remember(c)
	return c, nil
}

func (l *Listener) remember(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	if len(l.conns) > 1 {
		return
	}
	select {
	case l.arrived <- struct{}{}:
	default: // Watch has yet to see the one before
	}
}

func (l *Listener) arrive(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arriving += n
	if n < 0 {
		l.tellLocked()
	}
}

// emptyLocked says whether no connection is open, nor, once no more are taken from
// the kernel, about to be handed out.
func (l *Listener) emptyLocked() bool {
	select {
	case <-l.closed:
		return len(l.conns) == 0 && l.arriving == 0 && l.waiting() == 0
	default:
		return len(l.conns) == 0
	}
}

// tellLocked wakes Wait if it has something to see.
func (l *Listener) tellLocked() {
	if l.emptyLocked() {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// Accepting is closed once somebody has called Accept.
func (l *Listener) Accepting() <-chan struct{} { return l.accepting }

// Close ends accepting. What waits in the kernel's queue is left to whoever
// shares the socket; if nobody does, call Finish.
func (l *Listener) Close() (err error) {
	l.closing.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
	})
	return err
}

// Closed is closed once Close has been called.
func (l *Listener) Closed() <-chan struct{} { return l.closed }

// Settle returns once the kernel's queue is empty or ctx ends. Somebody must be
// calling Accept meanwhile.
func (l *Listener) Settle(ctx context.Context) error {
	return awaitEmptyQueue(ctx, l.Listener, l.waiting)
}

// Finish ends accepting when the queue has settled or ctx ends.
func (l *Listener) Finish(ctx context.Context) error {
	return errors.Join(l.Settle(ctx), l.Close())
}

// Open is the number of connections that have not been closed.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// batch is how many connections are copied while Accept has to wait.
const batch = 1000

// Conns are the connections that have not been closed. Those that come and go
// meanwhile may be among them.
func (l *Listener) Conns() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*Conn, 0, len(l.conns)+batch)
	for c := range l.conns {
		if all = append(all, c); len(all)%batch == 0 {
			l.mu.Unlock() // a map may change between two steps of a range
			l.mu.Lock()
		}
	}
	return all
}

// Wait returns nil when no connection is open, or the cause of ctx's end.
// After Close it waits as well for a connection that the kernel has given to
// an Accept which has not returned yet.
func (l *Listener) Wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		empty, changed := l.emptyLocked(), l.changed
		l.mu.Unlock()
		if empty {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// CloseSilent closes the connections over which nothing has ever come.
func (l *Listener) CloseSilent() int {
	return l.closeIf(func(c *Conn) bool { return !c.spoken.Load() })
}

// Left says how many connections have not been closed, and how many of them
// carry a request.
func (l *Listener) Left() (all, busy int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if c.Running() > 0 {
			busy++
		}
	}
	return len(l.conns), busy
}

// CloseAll closes all connections and says how many there were.
func (l *Listener) CloseAll() int {
	return l.closeIf(func(*Conn) bool { return true })
}

func (l *Listener) closeIf(unwanted func(*Conn) bool) int {
	found := l.find(unwanted)
	for _, c := range found {
		_ = c.Close() // the peer may have been quicker
	}
	return len(found)
}

func (l *Listener) find(wanted func(*Conn) bool) []*Conn {
	var found []*Conn
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if wanted(c) {
			found = append(found, c)
		}
	}
	return found
}

func (l *Listener) forget(c *Conn) {
	l.page.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	l.tellLocked()
}
