package resp

import "bytes"

// The functions here walk over bytes that a scanner has checked; on others
// they would panic.

// headSize returns the size of the line that b begins with.
func headSize(b []byte) int { return bytes.IndexByte(b, '\n') + 1 }

// isStreamed tells whether b begins a streamed string or aggregate. A simple
// string or error may look like one.
func isStreamed(b []byte) bool {
	return b[1] == '?' && b[0] != byte(SimpleString) && b[0] != byte(SimpleError)
}

// lengthOf returns the length or count in the line that b begins with, and
// -1 for a null.
func lengthOf(b []byte) int {
	if b[1] == '-' {
		return -1
	}
	n := 0
	for _, digit := range b[1 : headSize(b)-len(lineEnd)] {
		n = 10*n + int(digit-'0')
	}
	return n
}

// sizeOf returns the size of the value, attributes or part of a stream that b
// begins with. It recurses no deeper than the scanner allowed.
func sizeOf(b []byte) int {
	switch kind := Kind(b[0]); kind {
	case BulkString, BulkError, Verbatim, chunk:
		if isStreamed(b) {
			return eachElement(b, nil)
		}
		n := lengthOf(b)
		if n < 0 || kind == chunk && n == 0 {
			return headSize(b)
		}
		return headSize(b) + n + len(lineEnd)
	case Array:
		if lengthOf(b) < 0 {
			return headSize(b)
		}
		return eachElement(b, nil)
	case Set, Push, Map, attributes:
		return eachElement(b, nil)
	}
	return headSize(b)
}

// eachElement yields the values in the aggregate that b begins with, and
// returns its size. It does not yield, but only measures, if yield is nil, and
// stops early if yield does not want more.
func eachElement(b []byte, yield func(Value) bool) int {
	left := -1 // until the end mark
	if !isStreamed(b) {
		left = lengthOf(b)
	}
	if kind := Kind(b[0]); left > 0 && (kind == Map || kind == attributes) {
		left *= 2
	}
	at := headSize(b)
	for ; left != 0; left-- {
		if left < 0 && isStreamEnd(b[at:]) {
			return at + headSize(b[at:])
		}
		end := at + elementSize(b[at:])
		if yield != nil && !yield(valueOf(b[at:end:end])) {
			return at
		}
		at = end
	}
	return at
}

// elementSize returns the size of the value that b begins with, attributes
// before it included.
func elementSize(b []byte) int {
	at := 0
	for Kind(b[at]) == attributes {
		at += sizeOf(b[at:])
	}
	return at + sizeOf(b[at:])
}

// isStreamEnd tells whether b begins with the end of a stream: the mark of an
// aggregate, or the empty part of a string.
func isStreamEnd(b []byte) bool {
	return b[0] == byte(streamEnd) || b[0] == byte(chunk) && b[1] == '0'
}
