package access

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/support-go/support/logs"
)

// answer watches what a handler answers.
type answer struct {
	http.ResponseWriter
	request  logs.Request
	began    time.Time
	queued   time.Duration
	status   int // 0 while nothing has been written
	bytes    int64
	hijacked bool
	aborted  bool
	ours     bool // the answer is that of Log

	id  [1]string // the value of a header
	one answer1   // what the handler of HTTP/1 gets
}

// WriteHeader notes the status. Those below 200 are followed by another.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// answerOf finds the answer that w writes to in the end, or nil.
func answerOf(w http.ResponseWriter) *answer {
	for {
		switch v := w.(type) {
		case *answer:
			return v
		case *answer1:
			return v.answer
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush is for those who ask for an http.Flusher.
func (a *answer) Flush() {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush() // an http.Flusher has no error
}

// forProtocol is a with what only HTTP/1 can do.
func (a *answer) forProtocol(major int) http.ResponseWriter {
	if major > 1 {
		return a
	}
	a.one.answer = a
	return &a.one
}

type answer1 struct{ *answer }

// Hijack is for those who ask for an http.Hijacker.
func (a *answer1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	a.hijacked = a.hijacked || err == nil
	return conn, rw, err
}

// ReadFrom has files go to the network without a detour.
func (a *answer1) ReadFrom(src io.Reader) (int64, error) {
	to, ok := a.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{a.answer}, src)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := to.ReadFrom(src)
	a.bytes += n
	return n, err
}
