// Package ledger counts what a worker has taken on and not yet given back, in
// memory that its supervisor shares, so that the account survives the worker.
//
// A page has one writer, the worker, and any number of readers. A reader takes
// nothing in it on trust: [Page.Counts] refuses figures that cannot be.
package ledger

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Size is the length in bytes of the memory under a page.
const Size = 4096

// magic marks a page and the version of its layout.
const magic = 0x535550504f525401

// ErrInvalid means that a page holds figures that no worker can have written
// in good order.
var ErrInvalid = errors.New("ledger: invalid page")

// counters is the layout of a page. What is written for each request stands on
// a cache line of its own, so that a reader of one does not slow another.
type counters struct {
	magic atomic.Uint64
	procs atomic.Int64
	_     [48]byte

	begun atomic.Uint64
	_     [56]byte
	ended atomic.Uint64
	_     [56]byte

	accepted  atomic.Uint64
	closed    atomic.Uint64
	shared    atomic.Int64 // requests beyond the first of their connection
	streaming atomic.Int64
	waiting   atomic.Int64
	room      atomic.Int64 // requests that multiplexed connections may carry at once
}

// Page is one worker's account. Its methods may be called at any time by any
// number of goroutines.
type Page struct {
	c *counters
}

// New returns a page in this process's own memory, for a process that nobody
// supervises.
func New() *Page {
	p := &Page{c: new(counters)}
	p.Claim()
	return p
}

// On returns the page that lies in mem, which must be aligned to 8 bytes and
// stay mapped for as long as the page is used.
func On(mem []byte) (*Page, error) {
	if len(mem) < int(unsafe.Sizeof(counters{})) {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrInvalid, len(mem))
	}
	return &Page{c: (*counters)(unsafe.Pointer(unsafe.SliceData(mem)))}, nil
}

// Claim marks the page as this process's own. A worker calls it once, before
// it counts anything.
func (p *Page) Claim() {
	p.c.procs.Store(int64(runtime.GOMAXPROCS(0)))
	p.c.magic.Store(magic)
}

// Begin counts a request that a handler has been given.
func (p *Page) Begin() { p.c.begun.Add(1) }

// End counts a request whose answer has been written, or given up.
func (p *Page) End() { p.c.ended.Add(1) }

// Share counts n more (or, below zero, fewer) requests that run beside another
// one on the same connection.
func (p *Page) Share(n int) { p.c.shared.Add(int64(n)) }

// Stream counts n more (or fewer) running requests that have sent or received
// since they began, and thus show that they are alive.
func (p *Page) Stream(n int) { p.c.streaming.Add(int64(n)) }

// Wait counts n more (or fewer) connections that have been taken from the
// kernel and are not served yet.
func (p *Page) Wait(n int) { p.c.waiting.Add(int64(n)) }

// Widen counts n more (or fewer) requests that a connection may carry at once,
// beyond the one that every connection may.
func (p *Page) Widen(n int) { p.c.room.Add(int64(n)) }

// Accept counts a connection taken from the kernel.
func (p *Page) Accept() { p.c.accepted.Add(1) }

// Close counts the end of such a connection.
func (p *Page) Close() { p.c.closed.Add(1) }

// Counts reads the page. The figures are read one after another while the
// worker goes on, in an order in which none of them can seem to be negative. A
// page that no worker has claimed reads as zero.
func (p *Page) Counts() (Counts, error) {
	if m := p.c.magic.Load(); m != magic {
		if m == 0 {
			return Counts{}, nil
		}
		return Counts{}, fmt.Errorf("%w: magic %#x", ErrInvalid, m)
	}
	// Ends before beginnings: what ends in between only makes the rest larger.
	c := Counts{
		Streaming: p.c.streaming.Load(),
		Shared:    p.c.shared.Load(),
		Ended:     p.c.ended.Load(),
		Closed:    p.c.closed.Load(),
		Waiting:   p.c.waiting.Load(),
		Room:      p.c.room.Load(),
		Procs:     p.c.procs.Load(),
	}
	c.Accepted = p.c.accepted.Load()
	c.Begun = p.c.begun.Load()
	if err := c.check(); err != nil {
		return Counts{}, err
	}
	// A gauge may have been read between two changes that belong together.
	c.Streaming = max(c.Streaming, 0)
	c.Shared = min(max(c.Shared, 0), int64(c.Running()))
	return c, nil
}

// Counts is what a page said at one moment.
type Counts struct {
	Begun     uint64 `json:"requests_begun"`
	Ended     uint64 `json:"requests_ended"`
	Streaming int64  `json:"requests_streaming"`
	Shared    int64  `json:"requests_sharing"`
	Accepted  uint64 `json:"connections_accepted"`
	Closed    uint64 `json:"connections_closed"`
	Waiting   int64  `json:"connections_waiting"`
	Room      int64  `json:"requests_multiplexed"` // that may be on multiplexed connections
	Procs     int64  `json:"procs"`
}

// Running is the number of requests that have begun and not ended.
func (c Counts) Running() uint64 { return c.Begun - c.Ended }

// Open is the number of connections that have been accepted and not closed.
func (c Counts) Open() uint64 { return c.Accepted - c.Closed }

// Quiet is the number of running requests of which nothing has been heard
// since they began: neither a byte sent nor a byte received.
func (c Counts) Quiet() uint64 {
	if quiet := int64(c.Running()) - c.Streaming; quiet > 0 {
		return uint64(quiet)
	}
	return 0
}

// Lost brackets the requests that clients lost if the process died at this
// moment. At least: those begun and not ended, less one for each processor,
// which may just have written the end of an answer. At most: those begun and
// not ended, and one for each connection that was waiting or without a running
// request, since each may have carried a request that nobody had read; and as
// many as it is allowed for each connection known to be multiplexed. An exact
// figure does not exist: what lay unread in the sockets died with them.
func (c Counts) Lost() (least, most uint64) {
	running := c.Running()
	if p := uint64(c.Procs); running > p {
		least = running - p
	}
	most = running + uint64(c.Waiting) + uint64(c.Room)
	busy := running - uint64(c.Shared)
	if open := c.Open(); open > busy {
		most += open - busy
	}
	return least, most
}

// limit is far above what a worker can reach and far below where sums overflow.
const limit = 1 << 56

// check refuses what no order of reading can explain.
func (c Counts) check() error {
	small := func(n int64) bool { return n > -limit && n < limit }
	switch {
	case c.Begun > limit || c.Accepted > limit:
		return fmt.Errorf("%w: absurd totals", ErrInvalid)
	case c.Ended > c.Begun || c.Closed > c.Accepted:
		return fmt.Errorf("%w: more ended than begun", ErrInvalid)
	case c.Waiting < 0 || c.Room < 0 || c.Procs < 0,
		!small(c.Waiting), !small(c.Room), !small(c.Procs), !small(c.Streaming), !small(c.Shared):
		return fmt.Errorf("%w: a gauge out of range", ErrInvalid)
	}
	return nil
}
