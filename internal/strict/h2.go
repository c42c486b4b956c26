package strict

import (
	"bufio"
	"context"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// maxNap bounds how long the client sleeps while no stream is open, since the
// end of the context does not wake it.
const maxNap = 50 * time.Millisecond

// h2 is a client that speaks HTTP/2 on one connection at a time. One goroutine
// writes and reads; it reads all the time, so that it knows of a GOAWAY that
// has come before it opens a stream.
type h2 struct {
	user
	framer  *http2.Framer
	out     *bufio.Writer
	headers *hpack.Decoder
	block   []byte // the prepared header block
	blockID []byte // the part of block that is the id
	body    []byte
	slots   []stream
	active  int  // streams that are open
	done    bool // nothing more is to be sent

	// Of the current connection:
	nextID    uint32
	max       int     // streams at once
	window    int64   // bytes of bodies that may be sent
	initial   int64   // the same for a new stream
	unacked   int64   // bytes received and not yet given back
	leaving   bool    // no new streams
	goaway    bool    // a GOAWAY came
	wrote     bool    // something was written
	broken    bool    // writing has failed
	current   *stream // whose header is being read; nil: nobody's
	endStream bool    // the header being read is the stream's end
	debug     error   // why the server said it goes, or why writing failed
}

// stream is a place for one request at a time.
type stream struct {
	num      uint32 // 0: free
	due      time.Time
	from     time.Time
	deadline time.Time
	id       [idLen]byte
	got      int64
	status   int
	idState  idState
	size     int64
	body     pattern
	trailers bool
}

func newH2(u user) *h2 {
	h := &h2{user: u, out: bufio.NewWriterSize(nil, bufferSize), slots: make([]stream, u.load.Streams)}
	h.block, h.blockID = prepareBlock(u.load)
	h.body = make([]byte, u.load.Ask.Post)
	now := time.Now()
	for i := range h.slots {
		h.slots[i].due = h.pace.due(now)
	}
	return h
}

// run sends requests until ctx ends or the load is done, and sees those on
// their way to their end.
func (h *h2) run(ctx context.Context) error {
	defer h.wire.close()
	for {
		if err := h.start(ctx); err != nil {
			return err
		}
		if h.done && h.active == 0 {
			return nil
		}
		if h.wire.conn == nil { // nothing is due, or nobody was there
			if !h.pace.wait(ctx, h.wake()) {
				h.done = true
			}
			continue
		}
		h.flush()
		h.read()
		if h.leaving && h.active == 0 {
			h.wire.close()
		}
	}
}

// start opens every stream that is due and allowed.
func (h *h2) start(ctx context.Context) error {
	if ctx.Err() != nil {
		h.done = true
	}
	now := time.Now()
	for i := range h.slots {
		s := &h.slots[i]
		if s.num != 0 || s.due.After(now) {
			continue
		}
		if h.done || !h.room() {
			return nil
		}
		if !h.take() {
			h.done = true
			return nil
		}
		if err := h.request(s, now); err != nil || h.wire.conn == nil {
			return err
		}
	}
	return nil
}

// room reports whether another stream may be opened.
func (h *h2) room() bool {
	if h.wire.conn == nil {
		return true // a connection will be
	}
	return !h.leaving && h.active < h.max && min(h.window, h.initial) >= int64(len(h.body))
}

// request opens a stream for one request, on a new connection if there is none.
func (h *h2) request(s *stream, now time.Time) error {
	setSequence(h.id, h.seq)
	h.seq++
	copy(s.id[:], h.id)
	s.from, s.deadline = h.pace.from(s.due, now), now.Add(h.load.Limits.Timeout)
	if h.wire.conn == nil {
		if ok, err := h.connect(s); !ok {
			return err
		}
	}
	s.num, s.got, s.status, s.idState, s.size, s.trailers = h.nextID, 0, 0, idMissing, 0, false
	s.body = pattern{id: s.id[:]}
	h.nextID += 2
	h.active++
	copy(h.blockID, s.id[:])
	_ = h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: s.num, BlockFragment: h.block, EndHeaders: true, EndStream: len(h.body) == 0})
	if len(h.body) > 0 {
		repeat(h.body, s.id[:])
		h.window -= int64(len(h.body))
		_ = h.framer.WriteData(s.num, true, h.body)
	}
	return nil // flush finds out what went wrong
}

// wake returns when something has to be done even if nothing arrives.
func (h *h2) wake() time.Time {
	wake := time.Now().Add(h.load.Limits.Timeout)
	if h.active == 0 {
		wake = time.Now().Add(maxNap)
	}
	for i := range h.slots {
		s := &h.slots[i]
		switch {
		case s.num != 0 && s.deadline.Before(wake):
			wake = s.deadline
		case s.num == 0 && !h.done && h.room() && s.due.Before(wake):
			wake = s.due
		}
	}
	return wake
}

// read waits for a frame, and handles it and those that came with it.
func (h *h2) read() {
	_ = h.wire.conn.SetReadDeadline(h.wake())
	for {
		switch whole, err := h.peek(); {
		case timedOut(err):
			h.expire()
			return
		case err != nil:
			h.lost(err)
			return
		case !whole:
			return
		}
		frame, err := h.framer.ReadFrame()
		if err == nil {
			err = h.handle(frame)
		}
		if err != nil {
			h.lost(wrong("%v", err))
			return
		}
		if h.wire.in.Buffered() == 0 {
			return
		}
	}
}

// expire ends the streams whose time is over.
func (h *h2) expire() {
	now := time.Now()
	for i := range h.slots {
		s := &h.slots[i]
		if s.num == 0 || s.deadline.After(now) {
			continue
		}
		_ = h.framer.WriteRSTStream(s.num, http2.ErrCodeCancel)
		h.leaving = true // a connection that hangs is not used again
		h.end(s, fault{err: errTimeout})
	}
}

var errTimeout error = timeoutError{}

// timeoutError is the time-out of one stream.
type timeoutError struct{}

func (timeoutError) Error() string   { return "no complete answer in time" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// end records a stream that got no good answer.
func (h *h2) end(s *stream, f fault) {
	copy(h.id, s.id[:])
	h.fail(f, s.from)
	h.free(s)
}

// free makes the place of a stream ready for the next request.
func (h *h2) free(s *stream) {
	s.num = 0
	s.due = h.pace.due(time.Now())
	h.active--
}
