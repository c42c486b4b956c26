package accept

import (
	"bytes"
	"math/rand/v2"
)

// Refusal gives the answer for a connection that is not wanted, from the first
// bytes that have come; or nil if its server can answer it better, which is always
// possible, but dearer. It must not keep head.
type Refusal func(head []byte) (answer []byte)

// HTTP refuses a request whose whole header has come and which has no body with
// 503 and a Retry-After of 1 to 3 s, and a TLS handshake with an alert.
func HTTP(head []byte) []byte {
	switch {
	case len(head) > 2 && head[0] == 22 && head[1] == 3: // a record of TLS: handshake
		return []byte{21, 3, 1, 0, 2, 2, 80} // alert: fatal, internal error
	case !simple(head):
		return nil
	}
	return []byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: " +
		string(rune('1'+rand.IntN(3))) + "\r\n\r\n")
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
