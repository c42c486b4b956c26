package requests

import (
	"io"
	"net/http"
	"sync/atomic"
)

// body is the body of a request, so far as the handler reads it. It is not
// used again, unlike a visit: a transport that forwards the request may read on
// when the handler has returned.
type body struct {
	io.ReadCloser
	read    atomic.Int64
	waiting atomic.Bool // somebody reads
	follow  atomic.Pointer[follow]
	rec     *Recorder
}

func (v *visit) watchBody(r *http.Request) {
	v.body = &body{ReadCloser: r.Body, rec: v.recorder}
	r.Body = v.body
}

// Read reads from the body.
func (b *body) Read(p []byte) (int, error) {
	b.waiting.Store(true)
	b.mark(inReading)
	n, err := b.ReadCloser.Read(p)
	b.mark(inHandling)
	b.waiting.Store(false)
	b.read.Add(int64(n))
	return n, err
}

func (b *body) mark(s stage) {
	if f := b.follow.Load(); f != nil {
		f.enter(s, b.rec.now())
	}
}
