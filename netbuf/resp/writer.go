package resp

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/support-go/support/netbuf"
)

// maxGather is how long a string may be to be copied into the bytes around it.
const maxGather = 4 << 10

// Writer queues values on Conn, for one goroutine at a time. Nothing is sent
// before Flush, or before netbuf's queue is full. The first error stops the
// Writer for good, since a value may have been cut in the middle; Flush
// returns it.
type Writer struct {
	Conn *netbuf.Conn // required

	// Protocol is the version the peer understands: 2, also if zero, or 3.
	// Under 2, what only version 3 has is written as its nearest kin: maps,
	// sets and pushes as arrays, true as 1, the rest as bulk strings.
	Protocol int

	buf []byte
	err error
}

// Flush sends what is queued and returns the first error of the Writer.
func (w *Writer) Flush() error {
	if w.err == nil {
		w.err = w.Conn.Flush()
	}
	return w.err
}

// Command writes a command: its name and arguments.
func (w *Writer) Command(name string, args ...string) {
	w.count(Array, 1+len(args))
	w.text(BulkString, name)
	for _, arg := range args {
		w.text(BulkString, arg)
	}
	w.queue()
}

// CommandBytes is Command with arguments that are bytes.
func (w *Writer) CommandBytes(name string, args ...[]byte) {
	w.count(Array, 1+len(args))
	w.text(BulkString, name)
	for _, arg := range args {
		w.blob(BulkString, arg)
	}
	w.queue()
}

// Raw writes a value that is on the wire already, such as Value.Raw. It must
// suit Protocol; Value translates.
func (w *Writer) Raw(raw []byte) { w.send(raw) }

// SimpleString writes a short text; line breaks in it become spaces.
func (w *Writer) SimpleString(text string) { w.line(SimpleString, text) }

// Error writes an error, which by convention begins with a code in capitals.
// Line breaks in it become spaces.
func (w *Writer) Error(text string) { w.line(SimpleError, text) }

// Integer writes a number.
func (w *Writer) Integer(n int64) {
	w.buf = append(w.buf, byte(Integer))
	w.buf = strconv.AppendInt(w.buf, n, 10)
	w.end()
}

// Bulk writes bytes.
func (w *Writer) Bulk(p []byte) {
	w.blob(BulkString, p)
	w.queue()
}

// BulkString writes a string of bytes.
func (w *Writer) BulkString(text string) {
	w.text(BulkString, text)
	w.queue()
}

// Null writes that there is nothing.
func (w *Writer) Null() {
	if w.Protocol < 3 {
		w.buf = append(w.buf, "$-1"...)
	} else {
		w.buf = append(w.buf, byte(Null))
	}
	w.end()
}

// Bool writes true or false.
func (w *Writer) Bool(value bool) {
	switch {
	case w.Protocol < 3 && value:
		w.buf = append(w.buf, ":1"...)
	case w.Protocol < 3:
		w.buf = append(w.buf, ":0"...)
	case value:
		w.buf = append(w.buf, "#t"...)
	default:
		w.buf = append(w.buf, "#f"...)
	}
	w.end()
}

// Double writes a floating-point number, in the fewest digits that keep it.
func (w *Writer) Double(f float64) {
	var digits [32]byte
	text := strconv.AppendFloat(digits[:0], f, 'g', -1, 64)
	switch {
	case math.IsNaN(f):
		text = append(digits[:0], "nan"...)
	case math.IsInf(f, 1):
		text = append(digits[:0], "inf"...)
	case math.IsInf(f, -1):
		text = append(digits[:0], "-inf"...)
	}
	w.number(Double, text)
}

// BigNumber writes an integer of any size.
func (w *Writer) BigNumber(n *big.Int) { w.number(BigNumber, n.Append(nil, 10)) }

// BulkError writes an error of any length and content.
func (w *Writer) BulkError(text string) {
	if w.Protocol < 3 {
		w.Error(text)
		return
	}
	w.text(BulkError, text)
	w.queue()
}

// Verbatim writes text with its format, which must have three letters, such as
// "txt" or "mkd".
func (w *Writer) Verbatim(format, text string) {
	if len(format) != len("txt") {
		w.fail(fmt.Errorf("resp: a verbatim format has three letters, not %q", format))
		return
	}
	if w.Protocol < 3 {
		w.BulkString(text)
		return
	}
	w.text(Verbatim, format+":"+text)
	w.queue()
}

// Array begins an array; the next n values are its elements.
func (w *Writer) Array(n int) {
	w.count(Array, n)
	w.queue()
}

// Set begins a set; the next n values are its elements.
func (w *Writer) Set(n int) { w.container(Set, n, n) }

// Push begins a message out of band; the next n values are its elements.
func (w *Writer) Push(n int) { w.container(Push, n, n) }

// Map begins a map of n pairs; the next 2n values are keys and values in turn.
func (w *Writer) Map(n int) { w.container(Map, n, 2*n) }

// Attributes begins n pairs that belong to the value after them. Version 2 has
// no place for them: there it is an error.
func (w *Writer) Attributes(n int) {
	if w.Protocol < 3 {
		w.fail(errors.New("resp: attributes need Protocol 3"))
		return
	}
	w.count(attributes, n)
	w.queue()
}

// container begins an aggregate that version 2 knows as an array of flat
// values.
func (w *Writer) container(kind Kind, n, flat int) {
	if w.Protocol < 3 {
		kind, n = Array, flat
	}
	w.count(kind, n)
	w.queue()
}

// number writes a number that version 2 knows as a string.
func (w *Writer) number(kind Kind, text []byte) {
	if w.Protocol < 3 {
		w.count(BulkString, len(text))
	} else {
		w.buf = append(w.buf, byte(kind))
	}
	w.buf = append(w.buf, text...)
	w.end()
}

// line writes text that ends with the line.
func (w *Writer) line(kind Kind, text string) {
	w.buf = append(w.buf, byte(kind))
	for i := range len(text) {
		if c := text[i]; c == '\r' || c == '\n' {
			w.buf = append(w.buf, ' ')
		} else {
			w.buf = append(w.buf, c)
		}
	}
	w.end()
}

// count gathers the head of a string or an aggregate.
func (w *Writer) count(kind Kind, n int) {
	w.buf = append(w.buf, byte(kind))
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
	w.buf = append(w.buf, lineEnd...)
}

// blob gathers bytes with their length; many are queued without a copy here.
func (w *Writer) blob(kind Kind, p []byte) {
	w.count(kind, len(p))
	if len(p) > maxGather {
		w.queue()
		w.send(p)
	} else {
		w.buf = append(w.buf, p...)
	}
	w.buf = append(w.buf, lineEnd...)
	w.queueIfLong()
}

// text is blob for a string.
func (w *Writer) text(kind Kind, text string) {
	w.count(kind, len(text))
	w.buf = append(w.buf, text...)
	w.buf = append(w.buf, lineEnd...)
	w.queueIfLong()
}

// end queues what is gathered, and the end of its line.
func (w *Writer) end() {
	w.buf = append(w.buf, lineEnd...)
	w.queue()
}

// queueIfLong keeps commands of many arguments from gathering without bound.
func (w *Writer) queueIfLong() {
	if len(w.buf) > maxGather {
		w.queue()
	}
}

// queue hands what is gathered to the connection.
func (w *Writer) queue() {
	w.send(w.buf)
	w.buf = w.buf[:0]
	if cap(w.buf) > 4*maxGather {
		w.buf = nil
	}
}

// send queues p on the connection unless an error has stopped the Writer.
func (w *Writer) send(p []byte) {
	if w.err == nil && len(p) > 0 {
		_, w.err = w.Conn.Queue(p)
	}
}

// fail stops the Writer.
func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
