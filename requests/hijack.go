package requests

import (
	"bufio"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/support-go/support/internal/layer"
)

// hijacked is a connection that a handler has taken over. Its request goes on
// until the handler has returned and the connection is closed.
type hijacked struct {
	layer.Conn
	visit          *visit
	received, sent atomic.Int64
	holders        atomic.Int32 // the handler, and who has to close
	closing        sync.Once
}

// take has v run for as long as c is open. What the handler reads through the
// buffer of rw is not counted, but what it writes is.
func (v *visit) take(c net.Conn, rw *bufio.ReadWriter) net.Conn {
	h := &hijacked{Conn: layer.Conn{Conn: c}, visit: v}
	h.holders.Store(2)
	if rw.Writer.Buffered() == 0 {
		rw.Writer.Reset(h)
	}
	v.taken.Store(h)
	return h
}

// release is called once by each holder.
func (h *hijacked) release() {
	if h.holders.Add(-1) == 0 {
		h.visit.end() // and not used again: who knows who holds the writer
	}
}

// Read reads from the connection.
func (h *hijacked) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.received.Add(int64(n))
	return n, err
}

// Write writes to the connection.
func (h *hijacked) Write(p []byte) (int, error) {
	n, err := h.Conn.Write(p)
	h.sent.Add(int64(n))
	return n, err
}

// Close closes the connection, which ends the request.
func (h *hijacked) Close() error {
	err := h.Conn.Close()
	h.closing.Do(h.release)
	return err
}

// ReadFrom copies from src, in the kernel where the connection can.
func (h *hijacked) ReadFrom(src io.Reader) (int64, error) {
	if other, ok := src.(*hijacked); ok {
		n, err := io.Copy(h.Conn.Conn, other.Conn.Conn)
		other.received.Add(n)
		h.sent.Add(n)
		return n, err
	}
	n, err := io.Copy(h.Conn.Conn, src)
	h.sent.Add(n)
	return n, err
}

// WriteTo copies to dst, in the kernel where the connection can.
func (h *hijacked) WriteTo(dst io.Writer) (int64, error) {
	n, err := io.Copy(dst, h.Conn.Conn)
	h.received.Add(n)
	return n, err
}
