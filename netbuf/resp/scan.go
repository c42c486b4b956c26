package resp

import "bytes"

// maxHead bounds lines whose content is short by nature; doubles are the
// longest of them.
const maxHead = 64

var lineEnd = []byte("\r\n")

// A scanner checks one value as its bytes arrive and finds its end. It keeps
// its place between calls, so that slow peers cost no repeated work, and keeps
// nothing of what it has passed.
type scanner struct {
	limits   Limits
	pos      int     // where the next line begins; all before it is checked
	searched int     // no line end begins before it
	payload  bool    // a payload and its line end fill the bytes before pos
	colon    int     // where one must be in verbatim text, or -1
	owed     bool    // attributes have been read, their value has not
	values   int     // seen or announced so far
	open     []level // aggregates and streamed strings around pos
}

// reset makes s ready for a value that begins at 0.
func (s *scanner) reset(limits Limits) {
	if limits.Depth <= 0 {
		limits.Depth = DefaultDepth
	}
	if limits.Values <= 0 {
		limits.Values = DefaultValues
	}
	*s = scanner{limits: limits, colon: -1, open: s.open[:0]}
}

// scan goes on with b, the message so far. When the value has ended it returns
// its size and true; before, the least size that b must grow to, or 0.
func (s *scanner) scan(b []byte) (size int, done bool, err error) {
	for !done {
		if s.payload {
			if err := s.checkPayload(b); err != nil {
				return 0, false, err
			}
			if len(b) < s.pos {
				return s.pos, false, nil
			}
			s.payload = false
			done = s.ended()
			continue
		}
		line, err := s.line(b)
		if line == nil || err != nil {
			return 0, false, err
		}
		s.pos += len(line) + len(lineEnd)
		s.searched = s.pos
		if done, err = s.head(line); err != nil {
			return 0, false, err
		}
	}
	return s.pos, true, nil
}

// checkPayload checks what has arrived of the frame around a payload.
func (s *scanner) checkPayload(b []byte) error {
	if s.colon >= 0 && len(b) > s.colon {
		if b[s.colon] != ':' {
			return errVerbatim
		}
		s.colon = -1
	}
	if len(b) >= s.pos && !bytes.HasSuffix(b[:s.pos], lineEnd) {
		return errHead
	}
	return nil
}

// line returns the line at pos without its end, or nil if it is not whole.
func (s *scanner) line(b []byte) ([]byte, error) {
	if len(b) == s.pos {
		return nil, nil
	}
	kind := Kind(b[s.pos])
	if !isKind(kind) {
		return nil, errKind
	}
	line := b[s.pos:]
	end := bytes.IndexByte(b[s.searched:], '\n')
	if end >= 0 {
		line = b[s.pos : s.searched+end]
	}
	if len(line) >= maxHead && !isLong(kind) {
		return nil, errHead
	}
	if end < 0 {
		s.searched = len(b)
		return nil, nil
	}
	if line[len(line)-1] != '\r' {
		return nil, errHead
	}
	return line[:len(line)-1], nil
}

// head takes a line, which has at least one byte, and tells whether the whole
// value ends with it.
func (s *scanner) head(line []byte) (done bool, err error) {
	kind, text := Kind(line[0]), line[1:]
	if s.inString() != (kind == chunk) {
		return false, errStream
	}
	switch kind {
	case chunk:
		return s.chunk(text)
	case streamEnd:
		return s.streamEnd(text)
	}
	if s.values++; s.values > s.limits.Values {
		return false, errValues
	}
	if kind == attributes {
		return false, s.attributes(text)
	}
	s.owed = false
	switch kind {
	case BulkString, BulkError, Verbatim:
		return s.blob(kind, text)
	case Array, Set, Map, Push:
		return s.aggregate(kind, text)
	}
	if err := checkLine(kind, text); err != nil {
		return false, err
	}
	return s.ended(), nil
}

// blob takes the head of a string with a length.
func (s *scanner) blob(kind Kind, text []byte) (bool, error) {
	if kind == BulkString && string(text) == "-1" {
		return s.ended(), nil
	}
	if kind == BulkString && string(text) == "?" {
		return false, s.enter(level{kind: kind, streamed: true})
	}
	n, ok := parseLength(text)
	if !ok {
		return false, errLength
	}
	if kind == Verbatim {
		if n < len("txt:") {
			return false, errVerbatim
		}
		s.colon = s.pos + len("txt")
	}
	s.pass(n)
	return false, nil
}

// chunk takes the head of a part of a streamed string; the empty one ends it.
func (s *scanner) chunk(text []byte) (bool, error) {
	n, ok := parseLength(text)
	if !ok {
		return false, errLength
	}
	if n == 0 {
		s.leave()
		return s.ended(), nil
	}
	s.pass(n)
	return false, nil
}

// pass skips a payload of n bytes and its line end.
func (s *scanner) pass(n int) {
	s.pos += n + len(lineEnd)
	s.searched = s.pos
	s.payload = true
}

// aggregate takes the head of a container.
func (s *scanner) aggregate(kind Kind, text []byte) (bool, error) {
	if kind == Push && len(s.open) > 0 {
		return false, errPush
	}
	if kind == Array && string(text) == "-1" {
		return s.ended(), nil
	}
	if kind != Push && string(text) == "?" {
		return false, s.enter(level{kind: kind, streamed: true})
	}
	n, err := s.count(kind, text)
	if err != nil {
		return false, err
	}
	if n == 0 {
		return s.ended(), nil
	}
	return false, s.enter(level{kind: kind, values: n})
}

// attributes takes the head of pairs that are not a value themselves.
func (s *scanner) attributes(text []byte) error {
	n, err := s.count(attributes, text)
	if err != nil {
		return err
	}
	if n == 0 {
		s.owed = true
		return nil
	}
	return s.enter(level{kind: attributes, values: n})
}

// count returns how many values an aggregate announces. A promise of more than
// the limit is refused before anything of it has come.
func (s *scanner) count(kind Kind, text []byte) (int, error) {
	n, ok := parseLength(text)
	if !ok && len(text) > maxDigits {
		return 0, errValues
	}
	if !ok {
		return 0, errLength
	}
	if n > s.limits.Values-s.values {
		return 0, errValues
	}
	if kind == Map || kind == attributes {
		n *= 2
	}
	return n, nil
}

// streamEnd takes the mark that ends a streamed aggregate.
func (s *scanner) streamEnd(text []byte) (bool, error) {
	if len(s.open) == 0 || len(text) > 0 || s.owed {
		return false, errStream
	}
	last := s.open[len(s.open)-1]
	if !last.streamed || last.kind == Map && last.values%2 != 0 {
		return false, errStream
	}
	s.leave()
	return s.ended(), nil
}

// settled returns how many of n bytes scan will not look at again.
func (s *scanner) settled(n int) int {
	switch {
	case s.colon >= 0:
		return min(n, s.colon)
	case s.payload:
		return min(n, s.pos-len(lineEnd))
	}
	return s.pos
}

// forget moves the place back by n bytes, all settled, that are gone.
func (s *scanner) forget(n int) {
	s.pos -= n
	s.searched = max(0, s.searched-n)
	if s.colon >= 0 {
		s.colon -= n
	}
}
