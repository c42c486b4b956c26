package accept

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// Refusal gives the answer for a connection that is not wanted, from the first
// bytes that have come; or nil if its server can answer it better, which is always
// possible, but dearer. It must not keep head.
type Refusal func(head []byte) (answer []byte)

// HTTP refuses a request whose whole header has come and which has no body with
// 503 and a Retry-After of 1 to 3 s, and a TLS handshake whose first record has
// come with the alert internal_error: RFC 8446, section 6.2, has it for what is no
// fault of the peer's, such as a want of memory. (user_canceled is no fatal one.)
func HTTP(head []byte) []byte {
	switch {
	case handshake(head) && !unfinished(head):
		return []byte{21, 3, 1, 0, 2, 2, 80} // alert: fatal, internal error
	case !simple(head):
		return nil
	}
	return []byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: " +
		string(rune('1'+rand.IntN(3))) + "\r\n\r\n")
}

// enough is how much of a header, or of a handshake, is waited for.
const enough = 4 << 10

// handshake says whether head begins as TLS does.
func handshake(head []byte) bool {
	return len(head) > 0 && head[0] == 22 && (len(head) == 1 || head[1] == 3)
}

// unfinished says whether more is to come of the first record of a handshake,
// after which its client says no more before it is answered.
func unfinished(head []byte) bool {
	const prefix = 5 // kind, version, length
	return handshake(head) &&
		(len(head) < prefix || len(head) < min(prefix+int(binary.BigEndian.Uint16(head[3:])), enough))
}

// simple says whether head is one whole request without a body.
func simple(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("GET ")) && !bytes.HasPrefix(head, []byte("HEAD ")) {
		return false
	}
	end := []byte("\r\n\r\n")
	return bytes.Index(head, end) == len(head)-len(end) &&
		!hasField(head, "content-length") && !hasField(head, "transfer-encoding")
}

// hasField says whether a header has a field of that name, whatever its case.
func hasField(head []byte, name string) bool {
	for line := range bytes.Lines(head) {
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return true
		}
	}
	return false
}

// Close refuses without a word, for protocols that have no answer for it.
func Close([]byte) []byte { return []byte{} }
