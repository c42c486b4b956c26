package upstream

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// socket is one connection to an address, and all that is known of it. Whoever
// borrows it does so through a Conn.
type socket struct {
	nc     net.Conn
	peek   *peeker // nil if the kernel cannot be asked
	secure bool    // nc is TLS
	e      *endpoint
	made   instant
	dies   instant // when it is too old to be lent again
	fresh  bool    // made for one borrower, who has it for ever

	uncounted bool // it is no load by itself

	loans [loanRing]Conn
	loan  uint // the number of loans; the current one is loans[loan%loanRing]
	idle  instant
	tick  instant // the coarse time of its return, 0 if it was not known

	readBy, writeBy deadline
	timed           atomic.Bool // the borrower has a deadline

	read, written atomic.Int64 // bytes ever
	asked         atomic.Int64 // instant of the first write that nothing has followed yet, or 0
	answered      atomic.Int64 // instant of the last answer
	took          atomic.Int64 // nanoseconds until the last answer
	answers       atomic.Int64 // ever
	drained       atomic.Bool  // when last seen, nothing was left to be read
	broken        atomic.Bool  // it must not be lent again
	blamed        atomic.Bool  // and its address has been told
	expired       atomic.Bool  // because the borrower's context has ended
	why           atomic.Value // a reason: what broke it
	seen          seen         // what had happened at the beginning of the loan
	payload       *payload     // nil unless kept
	closed        atomic.Bool
}

// reason wraps an error, so that atomic.Value always has the same type.
type reason struct{ err error }

// seen is what had happened to a socket at some moment.
type seen struct{ read, written, answers int64 }

func (s *socket) seeNow() seen {
	return seen{s.read.Load(), s.written.Load(), s.answers.Load()}
}

func newSocket(e *endpoint, nc net.Conn) *socket {
	below := nc
	s := &socket{nc: nc, e: e}
	if t, ok := nc.(*tls.Conn); ok {
		s.secure, below = true, t.NetConn()
	}
	s.peek = newPeeker(below)
	for i := range s.loans {
		s.loans[i].s = s
	}
	s.made = e.clock().now()
	if e.svc.conf.Traffic.Payload > 0 {
		s.payload = &payload{most: e.svc.conf.Traffic.Payload}
	}
	return s
}

// lend begins a loan that lasts until a time, or 0.
func (s *socket) lend(until instant) *Conn {
	s.loan++
	s.seen = s.seeNow()
	if until != 0 || s.timed.Load() {
		s.readBy.begin(until)
		s.writeBy.begin(until)
		s.timed.Store(until != 0)
	}
	c := &s.loans[s.loan%loanRing]
	c.state.Store(lent)
	return c
}

func (s *socket) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := s.armRead(); err != nil {
		return 0, s.note(err, true)
	}
	n, err := s.nc.Read(b)
	if n > 0 {
		s.got(b[:n], n < len(b))
	}
	if err != nil {
		return n, s.note(err, true)
	}
	return n, nil
}

// got notes that b has arrived.
func (s *socket) got(b []byte, all bool) {
	s.read.Add(int64(len(b)))
	if s.drained.Load() != all {
		s.drained.Store(all)
	}
	if s.payload != nil {
		s.payload.add(&s.payload.received, b)
	}
	if s.asked.Load() == 0 {
		return
	}
	if asked := s.asked.Swap(0); asked != 0 {
		now := s.e.clock().now()
		took := now.since(instant(asked))
		s.answered.Store(int64(now))
		s.took.Store(int64(took))
		n := s.answers.Add(1)
		s.e.answer(took, now)
		// That an answer has begun proves little; that there is another, more.
		if (n > s.seen.answers+1 || s.fresh) && s.e.uneasy.Load() {
			s.e.succeed(now)
		}
	}
}

func (s *socket) Write(b []byte) (int, error) {
	now := s.e.clock().now()
	if s.asked.Load() == 0 {
		s.asked.Store(int64(now))
	}
	if err := s.arm(&s.writeBy, now, s.nc.SetWriteDeadline); err != nil {
		return 0, s.note(err, false)
	}
	n, err := s.nc.Write(b)
	if n > 0 {
		s.written.Add(int64(n))
		if s.payload != nil {
			s.payload.add(&s.payload.sent, b[:n])
		}
	}
	if err != nil {
		return n, s.note(err, false)
	}
	return n, nil
}

func (s *socket) armRead() error {
	return s.arm(&s.readBy, s.e.clock().about(), s.nc.SetReadDeadline)
}

func (s *socket) arm(d *deadline, now instant, set func(time.Time) error) error {
	response := s.e.timeouts.Response
	if s.fresh {
		response = -1
	}
	return d.arm(now, response, s.e.clock(), set)
}

// note remembers a failure of the connection, and returns it. It says so of
// the address as well if it can be the address's fault: not when the borrower
// gave up or closed the connection, nor when a peer closes that owes nothing.
func (s *socket) note(err error, reading bool) error {
	if s.broken.Swap(true) {
		return err
	}
	s.setReason(err)
	eof := errors.Is(err, io.EOF)
	switch {
	case s.expired.Load(), s.closed.Load(), errors.Is(err, net.ErrClosed):
	case reading && s.asked.Load() == 0 && (eof || errors.Is(err, os.ErrDeadlineExceeded)):
	case eof:
		s.blame(io.ErrUnexpectedEOF)
	default:
		s.blame(err)
	}
	return err
}

// blame counts a failure against the address, once a loan.
func (s *socket) blame(err error) {
	if !s.blamed.Swap(true) {
		s.e.fail(err, soft)
	}
}

func (s *socket) setReason(err error) { s.why.CompareAndSwap(nil, reason{err}) }

// expire ends what the borrower reads and writes, because its context has ended.
func (s *socket) expire() {
	s.expired.Store(true)
	s.broken.Store(true)
	s.timed.Store(true)
	s.readBy.begin(past)
	s.writeBy.begin(past)
	_ = s.nc.SetDeadline(time.Unix(1, 0)) // fails on a closed connection only
}

// fit tells whether an idle connection can be lent: nothing has arrived on it,
// not even the end.
func (s *socket) fit(tick instant) bool {
	if !s.secure && !s.e.svc.conf.Pool.AlwaysCheck && tick != 0 && tick == s.tick && s.drained.Load() {
		return true // emptied less than a millisecond ago
	}
	quiet := s.peek != nil && s.peek.isQuiet()
	if quiet && !s.secure {
		s.drained.Store(true)
		return true
	}
	if s.peek != nil && !quiet && !s.secure {
		return false
	}
	return s.silent(quiet)
}

// silent finds out by reading, where the kernel cannot tell: TLS may have
// bytes of its own, and may be sent what is not for the borrower, such as a
// session ticket.
func (s *socket) silent(quiet bool) bool {
	wait := time.Millisecond
	if quiet {
		wait = -time.Second // what TLS has already is read all the same
	}
	s.readBy.forget()
	if s.nc.SetReadDeadline(time.Now().Add(wait)) != nil {
		return false
	}
	var b [1]byte
	n, err := s.nc.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// close closes the connection. Only its endpoint calls it, once.
func (s *socket) close() {
	if !s.closed.Swap(true) {
		_ = s.nc.Close() // nothing is lost: what was written has been handed to the kernel
	}
}

// reasonText says what broke the connection.
func (s *socket) reasonText() string {
	if r, ok := s.why.Load().(reason); ok {
		return r.err.Error()
	}
	return ""
}
