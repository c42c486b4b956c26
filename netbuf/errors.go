package netbuf

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooLong is the reason of a MessageError when a message is longer than its
// limit.
var ErrTooLong = errors.New("netbuf: message too long")

// errNegative is the reason when a size, which a peer may have sent, makes no
// sense.
var errNegative = errors.New("negative size")

// maxSeen bounds the copy of a failed message that a MessageError carries.
const maxSeen = 256

// MessageError says why a message could not be read whole. Its reason is
// found with errors.Is: ErrTooLong, io.ErrUnexpectedEOF when the peer closed in
// mid-message, os.ErrDeadlineExceeded when time ran out; or it is whatever
// error the connection gave, for errors.As.
//
// A peer that closes between two messages is no failure of a message: that is
// a plain io.EOF.
type MessageError struct {
	Op   string // what was asked for, such as "read until"
	Len  int    // how many bytes have been seen, all still in Buffered
	Seen []byte // a copy of the first of them, at most 256
	Err  error  // the reason
}

// Error gives the reason and the number of bytes seen, never the bytes, which
// may be secret.
func (e *MessageError) Error() string {
	return fmt.Sprintf("netbuf: %s: %v, with %d bytes seen", e.Op, e.Err, e.Len)
}

// Unwrap returns the reason.
func (e *MessageError) Unwrap() error { return e.Err }

// messageError returns the failure of op for reason, with seen buffered.
func messageError(op string, seen []byte, reason error) error {
	if errors.Is(reason, io.EOF) {
		if len(seen) == 0 {
			return io.EOF
		}
		reason = io.ErrUnexpectedEOF
	}
	first := append([]byte(nil), seen[:min(len(seen), maxSeen)]...)
	return &MessageError{Op: op, Len: len(seen), Seen: first, Err: reason}
}
