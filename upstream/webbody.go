package upstream

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// webBody notes the end of an exchange.
type webBody struct {
	io.ReadCloser
	e    *endpoint
	read atomic.Int64
	took time.Duration // until the answer began
	done atomic.Bool
}

// begin has the exchange end with the body of resp. What has been switched to
// another protocol ends there and then: its body can be written, too.
func (b *webBody) begin(e *endpoint, resp *http.Response, start time.Time) {
	b.e, b.took = e, time.Since(start)
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == http.NoBody {
		b.end(nil)
		return
	}
	b.ReadCloser = resp.Body
	resp.Body = b
}

func (b *webBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	if err != nil {
		b.end(err)
	}
	return n, err
}

func (b *webBody) Close() error {
	b.end(nil)
	return b.ReadCloser.Close()
}

// end notes the exchange, once.
func (b *webBody) end(err error) {
	if b.done.Swap(true) {
		return
	}
	b.e.active.Add(-1)
	x := Exchange{Received: b.read.Load(), Answers: 1, Took: b.took, Time: b.e.clock().time(b.e.clock().about())}
	if err != nil && !errors.Is(err, io.EOF) {
		x.Error = err.Error()
	}
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	b.e.keepLocked(x)
}

// finally has what the contexts hold released with the body.
func (c *webCall) finally(resp *http.Response, all ...func()) {
	end := func() {
		for _, f := range all {
			if f != nil {
				f()
			}
		}
	}
	if rwc, ok := resp.Body.(io.ReadWriteCloser); ok {
		resp.Body = &endingStream{rwc, end}
		return
	}
	resp.Body = &endingBody{resp.Body, end}
}

// endingBody calls end when the body is closed or read to its end.
type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// endingStream is endingBody of what can be written to.
type endingStream struct {
	io.ReadWriteCloser
	end func()
}

func (b *endingStream) Close() error {
	defer b.end()
	return b.ReadWriteCloser.Close()
}
