package strict_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/support-go/support/internal/strict"
)

const fuzzID = "5eed0001-0007-0000002a"

// FuzzAnswer holds the parser against net/http's: what it takes for the right
// answer, net/http must read as 200 with the right id and body; and how the
// bytes arrive must make no difference.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		good,
		"HTTP/1.1 200 OK\r\nx-request-id: %id\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n5eed0001-0007-00\r\n6;x\r\n00002a\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" + good,
		"HTTP/1.0 200 OK\r\nX-Request-Id: %id\r\n\r\n%id",
		"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 204 \r\n\r\n",
	} {
		f.Add([]byte(strings.ReplaceAll(seed, "%id", fuzzID)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		status, ends, err := strict.ParseAnswer(bufio.NewReader(bytes.NewReader(data)), fuzzID, len(fuzzID))
		status2, ends2, err2 := strict.ParseAnswer(bufio.NewReader(iotest.OneByteReader(bytes.NewReader(data))), fuzzID, len(fuzzID))
		if status != status2 || ends != ends2 || (err == nil) != (err2 == nil) {
			t.Fatalf("in one piece %d %v %v, byte by byte %d %v %v", status, ends, err, status2, ends2, err2)
		}
		if err != nil || status != 200 {
			return
		}
		body, err := readWithNetHTTP(data)
		if err != nil || body != fuzzID {
			t.Errorf("taken for the right answer, but net/http reads %q, %v", body, err)
		}
	})
}

// readWithNetHTTP returns the body of the final answer in data.
func readWithNetHTTP(data []byte) (string, error) {
	in := bufio.NewReader(bytes.NewReader(data))
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: "GET"})
		if err != nil {
			return "", err
		}
		if resp.StatusCode >= 100 && resp.StatusCode <= 199 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it is in memory
		return string(body), err
	}
}
