package strict

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// idHeader carries a request's id there and back.
const idHeader = "X-Request-Id"

// Bounds on what a query may ask of Echo.
const (
	maxSize  = 64 << 20
	maxDelay = time.Minute
	maxID    = 256
)

// Echo is a handler that keeps the contract of this package. The zero value
// works. It is safe for concurrent use; do not copy it after first use.
type Echo struct {
	// Executed takes the id of every POST, when all of it was read and before
	// it is answered, as one line in one Write. Several processes may share a
	// file opened for appending, and ReadExecuted finds what was done twice.
	// It must be safe for concurrent use. Nil: nothing is written.
	Executed io.Writer

	finished atomic.Int64
}

// Finished returns how many requests were answered with 200: their handler
// came as far as the last write.
func (e *Echo) Finished() int64 { return e.finished.Load() }

// ServeHTTP answers as the contract says, or 400 with the reason.
func (e *Echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ask, err := parseAsk(r)
	if err == nil && r.Method == http.MethodPost {
		err = e.execute(ask.id, r.Body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if ask.delay > 0 && !pause(r.Context().Done(), ask.delay) {
		return // the client has left
	}
	w.Header().Set(idHeader, ask.id)
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(ask.size))
	e.answer(w, ask)
}

// ask is what a request wants of Echo.
type ask struct {
	id    string
	size  int
	delay time.Duration
}

func parseAsk(r *http.Request) (a ask, err error) {
	a.id = r.Header.Get(idHeader)
	if a.id == "" || len(a.id) > maxID {
		return a, fmt.Errorf("strict: %s must hold 1 to %d bytes", idHeader, maxID)
	}
	a.size = len(a.id)
	if r.URL.RawQuery == "" {
		return a, nil
	}
	query := r.URL.Query()
	if s := query.Get("size"); s != "" {
		if a.size, err = strconv.Atoi(s); err != nil || a.size < 0 || a.size > maxSize {
			return a, fmt.Errorf("strict: size=%q must be a number from 0 to %d", s, maxSize)
		}
	}
	if s := query.Get("delay"); s != "" {
		if a.delay, err = time.ParseDuration(s); err != nil || a.delay < 0 || a.delay > maxDelay {
			return a, fmt.Errorf("strict: delay=%q must be a duration from 0s to %v", s, maxDelay)
		}
	}
	return a, nil
}

// execute reads the body of a POST, which must be the id repeated, and
// records that its work was done.
func (e *Echo) execute(id string, body io.Reader) error {
	want := pattern{id: []byte(id)}
	if _, err := io.Copy(&want, body); err != nil {
		return fmt.Errorf("strict: reading the body of %s: %w", id, err)
	}
	if want.differs {
		return fmt.Errorf("strict: the body of %s differs from its id at byte %d", id, want.pos)
	}
	if e.Executed == nil {
		return nil
	}
	if _, err := e.Executed.Write([]byte(id + "\n")); err != nil {
		return fmt.Errorf("strict: recording %s: %w", id, err)
	}
	return nil
}

// answer writes the body in pieces that each begin at the id's first byte.
// It counts before the last piece, so that a client that has its answer finds
// itself counted.
func (e *Echo) answer(w io.Writer, a ask) {
	copies := min(4096, a.size+len(a.id)-1) / len(a.id)
	piece := bytes.Repeat([]byte(a.id), max(1, copies))
	left := a.size
	for ; left > len(piece); left -= len(piece) {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
	e.finished.Add(1)
	_, _ = w.Write(piece[:left]) // the client sees what went wrong
}

// pattern checks that what is written to it is the id over and over.
type pattern struct {
	id      []byte
	pos     int
	differs bool // from pos on
}

// Write never fails: a difference is noted and the rest is swallowed.
func (p *pattern) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 && !p.differs {
		at := p.pos % len(p.id)
		piece := min(len(p.id)-at, len(b))
		if !bytes.Equal(b[:piece], p.id[at:at+piece]) {
			p.differs = true
			break
		}
		p.pos += piece
		b = b[piece:]
	}
	return n, nil
}

// pause waits for d and reports true, or false if done was closed first.
func pause(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return false
	case <-timer.C:
		return true
	}
}
