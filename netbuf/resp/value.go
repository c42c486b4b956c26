package resp

import (
	"bytes"
	"iter"
	"strconv"
)

// Value is one value of RESP: a view of its bytes on the wire, which have
// been checked. It lives as long as they do; Clone makes one that stays. The
// zero Value is a null.
type Value struct {
	raw []byte // on the wire
	at  int    // where the value begins in raw, after its attributes
}

// Parse returns the value that b is. Limits are the defaults.
func Parse(b []byte) (Value, error) {
	var s scanner
	s.reset(Limits{})
	size, done, err := s.scan(b)
	switch {
	case err != nil:
		return Value{}, err
	case !done:
		return Value{}, errPart
	case size < len(b):
		return Value{}, errAfter
	}
	return valueOf(b), nil
}

// valueOf returns the value that raw, which has been checked, is.
func valueOf(raw []byte) Value {
	at := 0
	for Kind(raw[at]) == attributes {
		at += sizeOf(raw[at:])
	}
	return Value{raw: raw, at: at}
}

// body returns the value without its attributes.
func (v Value) body() []byte { return v.raw[v.at:] }

// Raw returns the value as it is on the wire, attributes included.
func (v Value) Raw() []byte { return v.raw }

// Clone returns a copy of v that does not depend on the connection's buffer.
func (v Value) Clone() Value {
	if len(v.raw) == 0 {
		return Value{}
	}
	return valueOf(bytes.Clone(v.raw))
}

// Kind says what v is.
func (v Value) Kind() Kind {
	if len(v.raw) == 0 {
		return Null
	}
	kind := Kind(v.body()[0])
	if (kind == BulkString || kind == Array) && v.body()[1] == '-' {
		return Null
	}
	return kind
}

// Bytes returns the text of a string, error or number; nil for null and for
// aggregates. Only for a streamed string, which is in parts, it allocates.
func (v Value) Bytes() []byte {
	switch v.Kind() {
	case BulkString, BulkError:
		if v.streamed() {
			return v.join()
		}
		return v.payload()
	case Verbatim:
		return v.payload()[len("txt:"):]
	case Null, Array, Map, Set, Push:
		return nil
	}
	return v.head()
}

// Format returns the three letters before verbatim text, such as "txt" or
// "mkd", and nil for all else.
func (v Value) Format() []byte {
	if v.Kind() != Verbatim {
		return nil
	}
	return v.payload()[:len("txt")]
}

// Int returns an integer, or a string that is the text of one, as version 2
// sends many numbers.
func (v Value) Int() (int64, error) {
	return strconv.ParseInt(string(v.Bytes()), 10, 64)
}

// Float returns a double or an integer, or a string that is the text of one.
func (v Value) Float() (float64, error) {
	return strconv.ParseFloat(string(v.Bytes()), 64)
}

// Bool returns whether v is true, or the integer 1, as version 2 sends it.
func (v Value) Bool() bool {
	text := string(v.Bytes())
	return v.Kind() == Bool && text == "t" || v.Kind() == Integer && text == "1"
}

// Err returns the Error that the peer answered, or nil if v is none.
func (v Value) Err() error {
	if kind := v.Kind(); kind != SimpleError && kind != BulkError {
		return nil
	}
	return Error(v.Bytes())
}

// Len returns the number of elements of an array, set or push, of pairs of a
// map, and 0 for all else.
func (v Value) Len() int {
	n := 0
	for range v.Elements() {
		n++
	}
	if v.Kind() == Map {
		n /= 2
	}
	return n
}

// Elements yields what an array, set or push holds; for a map keys and values
// in turn.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		switch v.Kind() {
		case Array, Set, Push, Map:
			eachElement(v.body(), yield)
		}
	}
}

// Pairs yields the keys and values of a map, or of an array that stands for
// one, as version 2 sends maps. A last element without a partner is left out.
func (v Value) Pairs() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) { pairs(v.Elements(), yield) }
}

// Attributes yields the pairs that came with v beside the value itself.
func (v Value) Attributes() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		more := true
		for at := 0; at < v.at && more; at += sizeOf(v.raw[at:]) {
			elements := func(yield func(Value) bool) { eachElement(v.raw[at:], yield) }
			pairs(elements, func(key, value Value) bool {
				more = yield(key, value)
				return more
			})
		}
	}
}

// pairs yields the elements two by two.
func pairs(elements iter.Seq[Value], yield func(Value, Value) bool) {
	var key Value
	isKey := false
	for element := range elements {
		if isKey = !isKey; isKey {
			key = element
		} else if !yield(key, element) {
			return
		}
	}
}

// head returns the text of the first line.
func (v Value) head() []byte {
	body := v.body()
	return body[1 : headSize(body)-len(lineEnd)]
}

// payload returns the bytes that follow the first line.
func (v Value) payload() []byte {
	body := v.body()
	return body[headSize(body) : len(body)-len(lineEnd)]
}

// streamed tells whether v came in parts of which it did not tell the number.
func (v Value) streamed() bool { return len(v.raw) > 0 && isStreamed(v.body()) }

// join returns the parts of a streamed string as one.
func (v Value) join() []byte {
	text := []byte{}
	body := v.body()
	for at := headSize(body); !isStreamEnd(body[at:]); at += sizeOf(body[at:]) {
		start := at + headSize(body[at:])
		text = append(text, body[start:start+lengthOf(body[at:])]...)
	}
	return text
}
