package track

import (
	"io"
	"net/http"
	"time"
)

// Answer is what the handler of an HTTP/2 request writes to. Of HTTP/1 the
// connection itself shows that a client does not take its answer; here streams
// are held up one by one, while the connection goes on.
type Answer struct {
	http.ResponseWriter
	flow flow
}

// WatchAnswer has Watch look at the writing to w, which answers a request on this
// connection, until Release. If the client does not take, the stream is ended;
// not by Listener.Stall if it is half of a conversation.
func (c *Conn) WatchAnswer(w http.ResponseWriter, conversation bool) *Answer {
	a := &Answer{ResponseWriter: w, flow: flow{conn: c, fault: SlowReader, patient: conversation}}
	control := http.NewResponseController(w)
	a.flow.end = func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) } // fails only where there is nothing to end
	c.watch(&a.flow)
	return a
}

// Release ends the watch.
func (a *Answer) Release() { a.flow.release() }

// Write writes a part of the answer, of which Watch sees piece by piece what the
// client has taken.
func (a *Answer) Write(p []byte) (int, error) {
	n := 0
	for {
		m, err := a.flow.moves(func() (int, error) { return a.ResponseWriter.Write(p[n:min(n+piece, len(p))]) })
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// WriteString is Write without a copy.
func (a *Answer) WriteString(s string) (int, error) {
	if len(s) > piece {
		return a.Write([]byte(s))
	}
	return a.flow.moves(func() (int, error) { return io.WriteString(a.ResponseWriter, s) })
}

// Flush sends what has been written.
func (a *Answer) Flush() { _ = a.FlushError() }

// FlushError sends what has been written, or says why it cannot.
func (a *Answer) FlushError() error {
	_, err := a.flow.moves(func() (int, error) { return 0, http.NewResponseController(a.ResponseWriter).Flush() })
	return err
}

// Push starts an HTTP/2 push.
func (a *Answer) Push(target string, opts *http.PushOptions) error {
	if pusher, ok := a.ResponseWriter.(http.Pusher); ok {
		return pusher.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap is for an http.ResponseController.
func (a *Answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
