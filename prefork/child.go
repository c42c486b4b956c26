package prefork

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/support-go/support/internal/ledger"
)

// system is what a supervisor asks of the operating system. Tests put a
// simulated one in its place.
type system struct {
	spawn  func(*State, Process) (*child, error)
	look   func(pid int) (Vitals, error)
	weigh  func(pid int) (pss int64, err error)
	turns  func(seat int) uint64       // connections that a worker has taken; a change is what counts
	waits  func([]Bound) bool          // whether a connection waits for a worker
	mend   func([]Bound) []string      // sets shared sockets non-blocking that are not, and names them
	refuse func([]Bound) (stop func()) // accepts connections and resets them
	close  func([]Bound)               // closes the supervisor's copies
	notify func(string)                // tells the service manager
	end    func()                      // gives back what all of the above have used
}

// hint is what a supervisor does to a child that does not listen.
type hint int

const (
	wake hint = iota // let it run on if it is stopped
	dump             // write the stacks of all goroutines and exit
	kill
)

// child is the supervisor's end of a process that it has started.
type child struct {
	pid     int
	link    net.Conn
	page    *ledger.Page
	signal  func(hint)
	wait    func() Exit   // returns when the process has ended; called once
	output  func() string // what the Go runtime has written as it died
	last    func() string // lines that it has written, if its supervisor reads them
	release func()        // gives back memory and descriptors

	pong atomic.Pointer[sign]
	then sign // that check has seen; the loop's

	turns  uint64 // when attend last looked; the loop's
	missed uint64 // connections that siblings have taken since it took one; the loop's

	weighable time.Time // again, see weigh; the loop's
	weighed   bool      // shared is known
	shared    int64     // bytes that other processes account for
}

// sign is a sign of life.
type sign struct {
	at   time.Time
	work work
}

// sign is the last sign of life; zero if none has come.
func (c *child) sign() sign {
	if s := c.pong.Load(); s != nil {
		return *s
	}
	return sign{}
}

// send gives m to the child. One that has stopped reading misses it and will
// be found silent.
func (c *child) send(m message) {
	_ = c.link.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	_ = writeMessage(c.link, m)
}

// hand gives the child what it begins with. There is no limit of time: its link
// is empty, so that this does not wait, but on a busy machine the supervisor
// itself may not run for longer than any limit, and without this the child
// cannot begin.
func (c *child) hand(h *handover) {
	_ = c.link.SetWriteDeadline(time.Time{})
	_ = writeMessage(c.link, message{Handover: h}) // a child that has ended already is noticed
}

// follow turns what happens to the child into events, until it has ended and
// been waited for, or closing is closed. However much the child writes, it
// causes at most five events.
func (c *child) follow(serial int, events chan<- event, closing <-chan struct{}) {
	post := func(e event) {
		e.serial = serial
		select {
		case events <- e:
		case <-closing:
		}
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		var ready, failed, drains, worn bool   // has been said
		_ = messages(c.link, func(m message) { // a child that talks nonsense is not heard any more
			c.pong.Store(&sign{at: time.Now(), work: m.Work})
			switch {
			case m.Ready && !ready:
				ready = true
				post(event{ready: true})
			case m.Failed != "" && !failed:
				failed = true
				post(event{failed: m.Failed})
			case m.Drains != "" && !drains:
				drains = true
				post(event{drains: clip(m.Drains)})
			case m.Worn != "" && !worn:
				worn = true
				post(event{worn: clip(m.Worn)})
			}
		})
	}()
	go func() {
		exit := c.wait()
		// What it wrote before it ended is still to be read. A descendant that
		// holds the link open does not get to delay this.
		_ = c.link.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		<-read
		post(event{exit: &exit})
	}()
}
