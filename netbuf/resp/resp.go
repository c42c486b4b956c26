// Package resp reads and writes RESP, the protocol of Redis, in its versions 2
// and 3 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
//
// A [Reader] takes one whole value from a [netbuf.Conn] at a time and checks it;
// a [Value] is a view of those bytes that is decoded when asked. So a client
// pays for what it looks at, and a proxy that forwards Raw pays for no decoding.
//
//	w := resp.Writer{Conn: conn}
//	w.Command("GET", "rates")
//	if err := w.Flush(); err != nil {
//		return err
//	}
//	r := resp.Reader{Conn: conn}
//	answer, err := r.Read()
//
// Every kind of value is read, also attributes, pushes and the streamed strings
// and aggregates of version 3. Lengths, depth and number of values are bounded
// before anything is allocated for them.
package resp

import (
	"errors"
	"fmt"

	"github.com/support-go/support/netbuf"
)

// Kind says what a Value is: the byte it begins with on the wire. The two
// nulls of version 2 are Null too.
type Kind byte

// The kinds of values.
const (
	SimpleString Kind = '+'
	SimpleError  Kind = '-'
	Integer      Kind = ':'
	BulkString   Kind = '$'
	Array        Kind = '*'
	Null         Kind = '_'
	Bool         Kind = '#'
	Double       Kind = ','
	BigNumber    Kind = '('
	BulkError    Kind = '!'
	Verbatim     Kind = '=' // text with a format of three letters
	Map          Kind = '%'
	Set          Kind = '~'
	Push         Kind = '>' // out of band: not the answer to a command
)

// What stands on the wire where a value may, but is none.
const (
	attributes Kind = '|' // pairs that belong to the value that follows
	chunk      Kind = ';' // a part of a streamed string
	streamEnd  Kind = '.' // of a streamed aggregate
)

const (
	// DefaultDepth is how deep values may be nested if Limits.Depth is zero.
	DefaultDepth = 32

	// DefaultValues is how many values a message may hold, over all depths,
	// if Limits.Values is zero.
	DefaultValues = 1 << 20
)

// Limits bounds what a peer may send as one value, beside the bytes, which
// netbuf.Limits bounds. Zero fields take defaults.
type Limits struct {
	Depth  int // aggregates within aggregates; default DefaultDepth
	Values int // at all depths together; default DefaultValues
}

// ErrSyntax is found by errors.Is when the peer does not speak RESP. The
// connection cannot be read any further.
var ErrSyntax = errors.New("resp: bad syntax")

// ErrNotCommand is the error of ReadCommand for a value that is not an array of
// bulk strings. The value is consumed, and the next one may be read.
var ErrNotCommand = errors.New("resp: not a command")

// What can be wrong. They are made once, so that a hostile peer causes no
// allocation.
var (
	errKind     = fmt.Errorf("%w: no value begins like that", ErrSyntax)
	errHead     = fmt.Errorf("%w: no line end where one must be", ErrSyntax)
	errLine     = fmt.Errorf("%w: carriage return or line feed in a line", ErrSyntax)
	errLength   = fmt.Errorf("%w: bad length", ErrSyntax)
	errNumber   = fmt.Errorf("%w: bad number", ErrSyntax)
	errLiteral  = fmt.Errorf("%w: neither null, true nor false", ErrSyntax)
	errVerbatim = fmt.Errorf("%w: no format before verbatim text", ErrSyntax)
	errStream   = fmt.Errorf("%w: end or part of a stream that is not open", ErrSyntax)
	errPush     = fmt.Errorf("%w: push within a value", ErrSyntax)
	errAfter    = fmt.Errorf("%w: more than one value", ErrSyntax)
	errPart     = fmt.Errorf("%w: not a whole value", ErrSyntax)
	errDepth    = fmt.Errorf("resp: nested too deep: %w", netbuf.ErrTooLong)
	errValues   = fmt.Errorf("resp: too many values: %w", netbuf.ErrTooLong)
)

// Error is what the peer answered instead of a result.
type Error string

// Error returns the text as the peer sent it.
func (e Error) Error() string { return string(e) }
