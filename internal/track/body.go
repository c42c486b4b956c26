package track

import (
	"io"
	"sync/atomic"
	"time"
)

// Body is the body of a request, whose reading Watch ends when the client
// does not give. What is not being read may wait.
type Body struct {
	io.ReadCloser
	flow  flow
	ended atomic.Bool // by an error or the end of the body
}

// ReadDeadline ends the reading of a body, as http.ResponseController does.
type ReadDeadline interface{ SetReadDeadline(time.Time) error }

// WatchBody has Watch look at the reading of body, which is that of a request
// on this connection, until Release. If the client does not give, the deadline
// of ends is set to a time that has passed; never if the body is half of a
// conversation.
func (c *Conn) WatchBody(body io.ReadCloser, ends ReadDeadline, conversation bool) *Body {
	b := &Body{ReadCloser: body, flow: flow{conn: c, fault: SlowBody, patient: conversation}}
	b.flow.end = func() { _ = ends.SetReadDeadline(time.Unix(1, 0)) } // fails only where there is nothing to end
	c.useful.Add(perBody)
	c.watch(&b.flow)
	return b
}

// Release ends the watch: the deadline is not set any more. It says whether the
// body has been read to its end or an error.
func (b *Body) Release() (ended bool) {
	b.flow.release()
	return b.ended.Load() || b.flow.taken.Load()
}

// Read reads from the body.
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.flow.moves(func() (int, error) { return b.ReadCloser.Read(p) })
	if err != nil {
		b.ended.Store(true)
	}
	return n, err
}
