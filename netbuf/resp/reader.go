package resp

import (
	"errors"
	"io"

	"github.com/support-go/support/netbuf"
)

// Reader reads values from Conn, for one goroutine at a time. Values and
// commands are views with netbuf's rule: good until the next read.
type Reader struct {
	Conn   *netbuf.Conn // required; its Limits bound a value's bytes and time
	Limits Limits

	scanner scanner
	args    [][]byte // of the last command
}

// Read returns the next value. An error that the peer answered is a value, see
// Value.Err.
//
// Errors are ErrSyntax, netbuf.ErrTooLong, found by errors.Is, and those of
// Conn.ReadFrame. After any of them nothing is consumed; after a time-out Read
// may be called again.
func (r *Reader) Read() (Value, error) {
	r.scanner.reset(r.Limits)
	raw, err := r.Conn.ReadFrame(0, func(b []byte) (int, error) {
		size, _, err := r.scanner.scan(b)
		return size, err
	})
	if err != nil {
		return Value{}, err
	}
	return valueOf(raw), nil
}

// Command is what a client sends: a name and its arguments.
type Command struct {
	Args [][]byte // the name first; empty if the client sent an empty array
	Raw  []byte   // as on the wire, to be forwarded
}

// ReadCommand returns the next command. Besides the errors of Read there is
// ErrNotCommand. Inline commands, which people type, are not read.
func (r *Reader) ReadCommand() (Command, error) {
	v, err := r.Read()
	if err != nil {
		return Command{}, err
	}
	if v.Kind() != Array {
		return Command{}, ErrNotCommand
	}
	r.args = r.args[:0]
	for arg := range v.Elements() {
		if arg.Kind() != BulkString || arg.streamed() {
			return Command{}, ErrNotCommand
		}
		r.args = append(r.args, arg.Bytes())
	}
	return Command{Args: r.args, Raw: v.Raw()}, nil
}

// Forward queues the next value on dst as it is, in parts as they arrive, and
// returns its size. So a value may be larger than Conn.Limits.Message, which
// here bounds a line only, and its time-out each wait only. dst is not flushed.
//
// After an error a part may have been consumed and queued: then neither
// connection can be used any further.
func (r *Reader) Forward(dst *netbuf.Conn) (int64, error) {
	r.scanner.reset(r.Limits)
	forwarded := int64(0)
	for {
		b := r.Conn.Buffered()
		n, done, err := r.scanner.scan(b)
		if err != nil {
			return forwarded, err
		}
		if !done {
			n = r.scanner.settled(len(b))
		}
		if _, err := dst.Queue(b[:n]); err != nil {
			return forwarded, err
		}
		_ = r.Conn.Discard(n) // all of them are buffered
		forwarded += int64(n)
		if done {
			return forwarded, nil
		}
		r.scanner.forget(n)
		if _, err := r.Conn.Peek(len(b) - n + 1); err != nil {
			return forwarded, cutOff(err, forwarded)
		}
	}
}

// cutOff returns err, which is not a clean end once something was forwarded.
func cutOff(err error, forwarded int64) error {
	if errors.Is(err, io.EOF) && forwarded > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
