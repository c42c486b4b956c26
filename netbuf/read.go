package netbuf

import (
	"bytes"
	"errors"
	"io"
	"math"
)

// ReadUntil returns a view of the next message that ends in delim, without
// delim, which is consumed too. The message may have max bytes; zero means
// Limits.Message. An empty delim panics.
func (c *Conn) ReadUntil(delim []byte, max int) ([]byte, error) {
	n, err := c.find(delim, max)
	if err != nil {
		return nil, err
	}
	msg := c.in.buf[c.in.r : c.in.r+n : c.in.r+n]
	c.in.r += n + len(delim)
	return msg, nil
}

// ReadThrough is ReadUntil with delim at the end of what it returns. max counts
// the bytes before it.
func (c *Conn) ReadThrough(delim []byte, max int) ([]byte, error) {
	n, err := c.find(delim, max)
	if err != nil {
		return nil, err
	}
	return c.take(n + len(delim)), nil
}

// AppendUntil is ReadUntil that appends the message to dst instead of returning
// a view. After an error it returns dst as it was.
func (c *Conn) AppendUntil(dst, delim []byte, max int) ([]byte, error) {
	msg, err := c.ReadUntil(delim, max)
	return append(dst, msg...), err
}

// ReadFull returns a view of the next n bytes, at most Limits.Message. A size
// that a peer has sent is safe to pass: memory grows with what arrives, and a
// negative size is an error.
func (c *Conn) ReadFull(n int) ([]byte, error) {
	if err := c.need("read full", n); err != nil {
		return nil, err
	}
	return c.take(n), nil
}

// AppendFull is ReadFull that appends the n bytes to dst instead of returning a
// view. After an error it returns dst as it was.
func (c *Conn) AppendFull(dst []byte, n int) ([]byte, error) {
	msg, err := c.ReadFull(n)
	return append(dst, msg...), err
}

// ReadFrame returns a view of the next message of a protocol whose messages
// tell where they end. It calls size with all that is buffered, once more each
// time that more has arrived. size returns the length of the message at the
// beginning of b, which may be more than len(b), or 0 while it is unknown; its
// error ends the call as it is. The message may have max bytes; zero means
// Limits.Message.
//
// ReadFrame is what codecs are made of: a message is consumed whole or not at
// all, and one time-out covers all of it.
func (c *Conn) ReadFrame(max int, size func(b []byte) (int, error)) ([]byte, error) {
	n, err := c.await("read frame", c.limit(max), size)
	if err != nil {
		return nil, err
	}
	return c.take(n), nil
}

// ReadAll returns a view of everything until the peer closes, which is no
// error here. It may be max bytes; zero means Limits.Message.
func (c *Conn) ReadAll(max int) ([]byte, error) {
	limit := c.limit(max)
	if err := c.beginRead(); err != nil {
		return nil, c.fail("read all", err)
	}
	defer c.endRead()
	for len(c.in.unread()) <= limit {
		if err := c.in.fill(); errors.Is(err, io.EOF) {
			return c.take(len(c.in.unread())), nil
		} else if err != nil {
			return nil, c.fail("read all", err)
		}
	}
	return nil, c.fail("read all", ErrTooLong)
}

// Peek returns a view of the next n bytes, at most Limits.Message, and consumes
// nothing.
func (c *Conn) Peek(n int) ([]byte, error) {
	if err := c.need("peek", n); err != nil {
		return nil, err
	}
	return c.in.unread()[:n:n], nil
}

// Discard consumes the next n bytes, however many. Views stay good if all of
// them are buffered; beyond that it waits, without holding on to what it skips.
func (c *Conn) Discard(n int) error {
	if uint(n) <= uint(len(c.in.unread())) {
		c.in.r += n
		return nil
	}
	if n < 0 {
		return c.fail("discard", errNegative)
	}
	if err := c.beginRead(); err != nil {
		return c.fail("discard", err)
	}
	defer c.endRead()
	for {
		skip := min(n, len(c.in.unread()))
		c.in.r += skip
		n -= skip
		if n == 0 {
			return nil
		}
		if err := c.in.fill(); err != nil {
			return c.fail("discard", err)
		}
	}
}

// Buffered returns a view of what has been read from the peer and not yet
// consumed, without waiting.
func (c *Conn) Buffered() []byte { return c.in.unread() }

// Read reads at most len(p) bytes, those that are buffered first. Its errors
// are the connection's own.
func (c *Conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.in.r < c.in.w || len(p) == 0 {
		n := copy(p, c.in.unread())
		c.in.r += n
		return n, nil
	}
	if err := c.beginRead(); err != nil {
		return 0, err
	}
	defer c.endRead()
	return c.in.read(p)
}

// find returns the length of the message before delim, once delim is buffered.
func (c *Conn) find(delim []byte, max int) (int, error) {
	limit := c.limit(max)
	i := index(c.in.unread(), delim)
	if uint(i) <= uint(limit) {
		return i, nil
	}
	if i > limit {
		return 0, c.fail("read until", ErrTooLong)
	}
	return c.awaitDelim(delim, limit)
}

// awaitDelim is find when delim is not in what is buffered.
func (c *Conn) awaitDelim(delim []byte, limit int) (int, error) {
	limit = min(limit, math.MaxInt-len(delim))
	straddle := len(delim) - 1 // bytes at the end in which delim may have begun
	searched := max(0, len(c.in.unread())-straddle)
	n, err := c.await("read until", limit+len(delim), func(b []byte) (int, error) {
		if i := index(b[searched:], delim); i >= 0 {
			return searched + i + len(delim), nil
		}
		searched = max(0, len(b)-straddle)
		return 0, nil
	})
	return n - len(delim), err
}

// need waits until n bytes are buffered.
func (c *Conn) need(op string, n int) error {
	limit := c.limit(0)
	if uint(n) <= uint(min(limit, len(c.in.unread()))) {
		return nil
	}
	if n < 0 {
		return c.fail(op, errNegative)
	}
	_, err := c.await(op, limit, func([]byte) (int, error) { return n, nil })
	return err
}

// await reads until the message whose size is told by size is buffered, and
// returns that size. It is where all waiting for messages is done.
func (c *Conn) await(op string, limit int, size func(b []byte) (int, error)) (int, error) {
	if err := c.beginRead(); err != nil {
		return 0, c.fail(op, err)
	}
	defer c.endRead()
	for {
		have := c.in.unread()
		n, err := size(have)
		switch {
		case err != nil:
			return 0, err
		case n > limit, n <= 0 && len(have) >= limit:
			return 0, c.fail(op, ErrTooLong)
		case n > 0 && n <= len(have):
			return n, nil
		}
		if err := c.in.fill(); err != nil {
			return 0, c.fail(op, err)
		}
	}
}

// take consumes n buffered bytes and returns a view of them.
func (c *Conn) take(n int) []byte {
	msg := c.in.buf[c.in.r : c.in.r+n : c.in.r+n]
	c.in.r += n
	return msg
}

// fail returns the failure of op for reason.
func (c *Conn) fail(op string, reason error) error {
	return messageError(op, c.in.unread(), reason)
}

// index returns where delim begins in b, or -1.
func index(b, delim []byte) int {
	switch len(delim) {
	case 0:
		panic("netbuf: empty delimiter")
	case 1:
		return bytes.IndexByte(b, delim[0])
	}
	return bytes.Index(b, delim)
}
