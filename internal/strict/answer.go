package strict

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// maxInterim is how many 1xx answers may come before the real one.
const maxInterim = 8

// want is what a right answer looks like.
type want struct {
	id    []byte
	size  int
	check Check
	sort  string // a header field
}

// answer is an HTTP/1.1 answer as far as it matters here.
type answer struct {
	status  int
	old     bool // HTTP/1.0
	close   bool // the connection ends after it
	chunked bool
	length  int64 // of the body; -1: until the connection ends
	id      idState
	sort    string // the value of want.sort
}

// idState says how the id came back.
type idState uint8

const (
	idMissing idState = iota
	idRight
	idOther
)

// readAnswer reads one whole answer and compares it with want. The error is
// nil for a right answer and for a complete 503; a.close is valid with both.
func readAnswer(in *bufio.Reader, want want) (a answer, err error) {
	for range maxInterim {
		if a, err = readHead(in, want); err != nil {
			return a, err
		}
		if a.status < 100 || a.status > 199 {
			return a, readBody(in, &a, want)
		}
	}
	return a, wrong("more than %d interim answers", maxInterim)
}

// readHead reads the status line and the header.
func readHead(in *bufio.Reader, want want) (answer, error) {
	a := answer{length: -1}
	line, err := readLine(in)
	if err != nil {
		return a, err
	}
	if err := a.parseStatus(line); err != nil {
		return a, err
	}
	for {
		line, err := readLine(in)
		if err != nil {
			return a, noEOF(err)
		}
		if len(line) == 0 {
			return a, nil
		}
		if err := a.parseField(line, want); err != nil {
			return a, err
		}
	}
}

// readLine reads up to CR LF and returns what is before it, valid until the
// next read. A bare LF is not accepted: a server under test must not send it.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, wrong("a header line of more than %d bytes", in.Size())
	}
	if err != nil {
		if len(line) > 0 {
			return nil, noEOF(err)
		}
		return nil, err
	}
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return nil, wrong("line %q ends without CR", trim(line))
	}
	return text, nil
}

// parseStatus understands "HTTP/1.1 200 OK".
func (a *answer) parseStatus(line []byte) error {
	version, rest, ok := bytes.Cut(line, []byte(" "))
	a.old = string(version) == "HTTP/1.0"
	a.close = a.old
	if !ok || len(rest) < 3 || (len(rest) > 3 && rest[3] != ' ') || (!a.old && string(version) != "HTTP/1.1") {
		return wrong("status line %q", trim(line))
	}
	for _, digit := range rest[:3] {
		if digit < '0' || digit > '9' {
			return wrong("status line %q", trim(line))
		}
		a.status = a.status*10 + int(digit-'0')
	}
	return nil
}

// parseField takes what matters from one header field.
func (a *answer) parseField(line []byte, want want) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	value = bytes.Trim(value, " \t")
	if !ok || !isToken(name) || hasControls(value) {
		return wrong("header line %q", trim(line))
	}
	switch {
	case fold(name, "content-length"):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || (a.length >= 0 && a.length != int64(n)) {
			return wrong("content length %q", trim(value))
		}
		a.length = int64(n)
	case fold(name, "transfer-encoding"):
		if a.chunked = fold(value, "chunked"); !a.chunked {
			return wrong("transfer encoding %q", trim(value))
		}
	case fold(name, "connection"):
		a.close = a.close || hasToken(value, "close")
	case fold(name, idHeader):
		a.id = compareID(value, want.id)
	case want.sort != "" && fold(name, want.sort):
		a.sort = string(value)
	}
	return nil
}

func compareID(got, id []byte) idState {
	if bytes.Equal(got, id) {
		return idRight
	}
	return idOther
}

// readBody reads the body and gives the verdict on the whole answer.
func readBody(in *bufio.Reader, a *answer, want want) error {
	if a.chunked && (a.old || a.length >= 0) { // RFC 9112 section 6.1
		return wrong("chunks in HTTP/1.0 or beside a content length")
	}
	body := pattern{id: want.id}
	n, err := a.copyBody(in, &body)
	if err != nil {
		return err
	}
	return want.verdict(a.status, a.id, n, &body)
}

// copyBody passes the body on to the pattern and returns how long it was.
func (a *answer) copyBody(in *bufio.Reader, body *pattern) (int64, error) {
	switch {
	case a.status == 204 || a.status == 304:
		return 0, nil
	case a.chunked:
		return copyChunks(in, body)
	case a.length >= 0:
		return a.length, copyExactly(in, body, a.length)
	}
	a.close = true
	n, err := io.Copy(body, in)
	return n, err
}

// copyExactly passes n bytes on without a buffer of its own.
func copyExactly(in *bufio.Reader, body *pattern, n int64) error {
	for n > 0 {
		if in.Buffered() == 0 {
			if _, err := in.Peek(1); err != nil {
				return noEOF(err)
			}
		}
		piece, err := in.Peek(int(min(n, int64(in.Buffered()))))
		if err != nil {
			return noEOF(err)
		}
		_, _ = body.Write(piece) // never fails
		_, _ = in.Discard(len(piece))
		n -= int64(len(piece))
	}
	return nil
}

func copyChunks(in *bufio.Reader, body *pattern) (total int64, err error) {
	for {
		line, err := readLine(in)
		if err != nil {
			return total, noEOF(err)
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(digits), 16, 63)
		if err != nil || int64(n) > math.MaxInt64-total {
			return total, wrong("chunk size %q", trim(line))
		}
		if n == 0 {
			return total, skipTrailer(in)
		}
		if err := copyExactly(in, body, int64(n)); err != nil {
			return total, err
		}
		if line, err := readLine(in); err != nil || len(line) > 0 {
			if err == nil {
				err = wrong("chunk goes on after its size")
			}
			return total, noEOF(err)
		}
		total += int64(n)
	}
}

func skipTrailer(in *bufio.Reader) error {
	for {
		line, err := readLine(in)
		if err != nil || len(line) == 0 {
			return noEOF(err)
		}
		if name, _, ok := bytes.Cut(line, []byte(":")); !ok || !isToken(name) || hasControls(line) {
			return wrong("trailer line %q", trim(line))
		}
	}
}

// verdict judges an answer that came whole.
func (w want) verdict(status int, id idState, size int64, body *pattern) error {
	switch {
	case id == idOther && w.check != CheckNone:
		return fmt.Errorf("%w: %s holds another id than %s", errMisdirected, idHeader, w.id)
	case status == 503:
		return nil
	case status != 200:
		return wrong("status %d", status)
	case w.check == CheckNone:
		return nil
	case id == idMissing:
		return wrong("no %s came back: does the server keep the contract of package strict?", idHeader)
	case w.check == CheckID:
		return nil
	case size != int64(w.size):
		return wrong("a body of %d bytes instead of %d", size, w.size)
	case body.differs:
		return wrong("body differs after byte %d", body.pos)
	}
	return nil
}
