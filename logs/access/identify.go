package access

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/support-go/support/logs"
)

// maxID bounds the id that a client may choose.
const maxID = 128

// identify takes the id and the trace that r brings, or makes an id.
func identify(id *logs.Request, r *http.Request) {
	if given := r.Header["X-Request-Id"]; len(given) == 1 && validID(given[0]) {
		id.ID = given[0]
	} else {
		id.ID = newID()
	}
	if given := r.Header["Traceparent"]; len(given) == 1 {
		id.Trace, id.Parent, id.Flags = parseTraceparent(given[0])
		if id.Trace != "" {
			id.Span = newID()
		}
	}
}

// validID says whether s is safe wherever an id may be written.
func validID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte("-_.:/+=@", c) < 0 {
			return false
		}
	}
	return true
}

// newID is 16 hexadecimal digits. They tell requests apart and protect nothing.
func newID() string {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], rand.Uint64()|1) // not all zeros, which traceparent forbids
	var text [16]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// parseTraceparent reads version 00 of the format of W3C Trace Context, and of
// later versions what is known. Of anything else it returns nothing.
func parseTraceparent(s string) (trace, parent, flags string) {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || len(s) > 55 && (s[:2] == "00" || s[55] != '-') {
		return "", "", ""
	}
	version, trace, parent, flags := s[:2], s[3:35], s[36:52], s[53:55]
	if version == "ff" || !lowerHex(version+trace+parent+flags) || strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return "", "", ""
	}
	return trace, parent, flags
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}

// appendQuoted writes s between quotation marks, as servers of this format do.
func appendQuoted(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendNumbers(b []byte, status int, bytes int64) []byte {
	b = strconv.AppendInt(append(b, ' '), int64(status), 10)
	if bytes == 0 {
		return append(b, " -\n"...)
	}
	return append(strconv.AppendInt(append(b, ' '), bytes, 10), '\n')
}
