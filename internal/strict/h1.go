package strict

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// h1 is a client that speaks HTTP/1.1, fresh or kept.
type h1 struct {
	user
	request []byte // prepared; id and body change
	body    []byte // the end of request
	refused bool   // the last request found no connection
}

func newH1(u user) *h1 {
	h := &h1{user: u, request: prepare(u.load, u.id)}
	h.body = h.request[len(h.request)-u.load.Ask.Post:]
	h.id = h.request[bytes.Index(h.request, u.id):][:idLen] // so that a new id is in place at once
	return h
}

// prepare builds the request of a load.
func prepare(l Load, id []byte) []byte {
	method := "GET"
	if l.Ask.Post > 0 {
		method = "POST"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n", method, l.Ask.target(), l.Target.host(), idHeader, id)
	if l.Mode == Fresh {
		b.WriteString("Connection: close\r\n")
	}
	if l.Ask.Post > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", l.Ask.Post)
	}
	b.WriteString("\r\n")
	b.Write(make([]byte, l.Ask.Post))
	return b.Bytes()
}

// run sends requests until ctx ends or the load is done. The request that is
// on its way then is seen to its end.
func (h *h1) run(ctx context.Context) error {
	defer h.wire.close()
	for {
		from, ok := h.begin(ctx)
		if !ok {
			return nil
		}
		if err := h.exchange(from); err != nil {
			return err
		}
		if h.refused && !h.pace.wait(ctx, time.Now().Add(refusedPause)) {
			return nil
		}
	}
}

// exchange sends one request and sees what becomes of it.
func (h *h1) exchange(from time.Time) error {
	began := time.Now()
	deadline := began.Add(h.load.Limits.Timeout)
	h.refused = false
	if h.wire.conn == nil {
		ok, err := h.open(from, deadline)
		if !ok {
			h.refused = true
			return err
		}
	}
	repeat(h.body, h.id)
	h.wire.got = int64(h.wire.in.Buffered()) // what came unasked is taken for the answer
	_ = h.wire.conn.SetDeadline(deadline)    // a closed connection says so below
	// A server may answer and close before it has read everything, so the
	// answer counts even if writing failed.
	sent, writeErr := h.wire.conn.Write(h.request)
	a, err := readAnswer(h.wire.in, want{h.id, h.load.Ask.size(), h.load.Ask.Check, h.load.Ask.Sort})
	if err != nil {
		h.failed(sent, writeErr, err, from)
		return nil
	}
	if h.load.Ask.Sort != "" {
		h.tally.sorted(a.sort).Add(time.Since(began))
	}
	h.answered(a, from)
	return nil
}

// failed records the request and leaves the connection.
func (h *h1) failed(sent int, writeErr, err error, from time.Time) {
	if writeErr != nil && h.wire.got == 0 {
		err = fmt.Errorf("after %d of %d bytes: %w", sent, len(h.request), writeErr)
	}
	h.fail(fault{reused: h.wire.served > 0, sent: sent, got: h.wire.got, err: err}, from)
	h.wire.close()
}

// answered records the answer and leaves the connection if it has to.
func (h *h1) answered(a answer, from time.Time) {
	now := time.Now()
	o := Answered
	if a.status == 503 {
		o = Shed
	}
	h.tally.record(o, from, now)
	h.wire.served++
	if !a.close && h.load.Mode != Fresh {
		return
	}
	if err := h.wire.closedByPeer(now.Add(h.load.Limits.Timeout)); err != nil {
		h.tally.Unclosed++
		h.tell(outcomes, err, now)
	}
	h.wire.close()
}
