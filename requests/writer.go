package requests

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// The ResponseWriters that handlers get. What net/http's can do depends on the
// protocol, and handlers find out by assertion, so there is one type for each.
// All are parts of the visit, lest a request allocate.
type (
	plainWriter struct{ *visit }      // can only what it must
	flushWriter struct{ plainWriter } // and flush, as httptest's
	http1Writer struct{ flushWriter } // and be hijacked, and copy in the kernel
	http2Writer struct{ flushWriter } // and push
)

type http1 interface {
	http.Flusher
	http.Hijacker
	io.ReaderFrom
}

// writer returns what the handler writes to.
func (v *visit) writer() http.ResponseWriter {
	switch v.inner.(type) {
	case http1:
		return &v.one
	case http.Pusher:
		return &v.two
	case http.Flusher:
		return &v.some
	}
	return &v.bare
}

// Header returns the header of the answer.
func (w *plainWriter) Header() http.Header { return w.inner.Header() }

// WriteHeader begins the answer, unless status is a preliminary one.
func (w *plainWriter) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.beginAnswer(status)
	}
	w.inner.WriteHeader(status)
}

// Write writes a part of the answer.
func (w *plainWriter) Write(p []byte) (int, error) {
	w.beginWrite(len(p))
	n, err := w.inner.Write(p)
	w.endWrite(int64(n))
	return n, err
}

// WriteString is Write without a copy.
func (w *plainWriter) WriteString(s string) (int, error) {
	w.beginWrite(len(s))
	n, err := io.WriteString(w.inner, s)
	w.endWrite(int64(n))
	return n, err
}

// Unwrap is for an http.ResponseController: deadlines, full duplex.
func (w *plainWriter) Unwrap() http.ResponseWriter { return w.inner }

// Flush sends what has been written.
func (w *flushWriter) Flush() { _ = w.FlushError() }

// FlushError sends what has been written, or says why it cannot.
func (w *flushWriter) FlushError() error {
	w.beginWrite(small + 1)
	defer w.endWrite(0)
	if f, ok := w.inner.(interface{ FlushError() error }); ok {
		return f.FlushError()
	}
	w.inner.(http.Flusher).Flush()
	return nil
}

// ReadFrom copies from src, in the kernel where net/http can.
func (w *http1Writer) ReadFrom(src io.Reader) (int64, error) {
	w.beginWrite(small + 1)
	n, err := w.inner.(io.ReaderFrom).ReadFrom(src)
	w.endWrite(n)
	return n, err
}

// Hijack gives the connection to the handler. The request stays among those
// that run until the connection is closed.
func (w *http1Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := w.inner.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return w.take(c, rw), rw, nil
}

// Push starts an HTTP/2 push.
func (w *http2Writer) Push(target string, opts *http.PushOptions) error {
	return w.inner.(http.Pusher).Push(target, opts)
}

// small is what fits into net/http's buffer of an answer: writing that much
// does not wait for the client.
const small = 2048

// beginWrite is called before n bytes are written, and endWrite after n of them
// have been. What does not have to wait is noted once, afterwards.
func (v *visit) beginWrite(n int) {
	_, status, sent := v.progress.load()
	if status == 0 {
		status = http.StatusOK
		v.askToClose()
	}
	if sent+int64(n) > small {
		v.progress.store(writing, status, sent)
	}
	if v.followed != nil {
		v.followed.enter(inWriting, v.recorder.now())
	}
}

func (v *visit) endWrite(n int64) {
	_, status, sent := v.progress.load()
	if status == 0 {
		status = http.StatusOK
	}
	v.progress.store(answering, status, sent+n)
	if v.followed != nil {
		v.followed.enter(inAnswering, v.recorder.now())
	}
}

// beginAnswer notes the status of the answer unless there has been one.
func (v *visit) beginAnswer(status int) {
	if _, before, _ := v.progress.load(); before != 0 {
		return
	}
	v.askToClose()
	v.progress.store(answering, status, 0)
}

// askToClose has the client not use the connection again once the request has
// been cancelled, for its context has ended as well.
func (v *visit) askToClose() {
	if v.cancelled.Load() != nil && v.cancel == nil {
		v.inner.Header().Set("Connection", "close")
		v.closes = true
	}
}
