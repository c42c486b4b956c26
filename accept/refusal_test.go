package accept_test

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"

	"github.com/support-go/support/accept"
)

// FuzzHTTP wants an answer that any client can read, or none, and of no request
// that has a body.
func FuzzHTTP(f *testing.F) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.0\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\n\r\n", "GET /", "\x16\x03\x01", "\x16\x03\x01\x00\x05hello", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\ncontent-LENGTH:1\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		answer := accept.HTTP(head)
		if answer == nil || answer[0] == 21 {
			return
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
		if err != nil || resp.StatusCode != 503 || resp.ContentLength != 0 || resp.Header.Get("Retry-After") == "" {
			t.Fatalf("%q: answered %q: %v", head, answer, err)
		}
		_ = resp.Body.Close()
		if r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head))); err == nil && r.ContentLength != 0 {
			t.Errorf("%q: refused a request with a body", head)
		}
	})
}
