package track

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/internal/layer"
)

// Conn is a connection that its listener remembers. It passes on what the
// connection below can do beside reading and writing: copying in the kernel,
// closing one half, system calls.
type Conn struct {
	layer.Conn
	listener *Listener
	since    time.Time

	width  atomic.Int32 // requests at once beyond one
	spoken atomic.Bool  // something has come from the peer
	closed atomic.Bool

	read     atomic.Uint64 // bytes
	whole    atomic.Uint64 // of these, up to when a request last began or ended
	ending   atomic.Int32  // of the latest Read
	answered atomic.Bool   // something has been written since it
	busy     atomic.Bool   // closed while a request ran
	cut      atomic.Bool   // closed by Watch

	requests atomic.Uint64 // a tally

	writes  atomic.Uint64 // that wait, and that have come back
	owes    atomic.Bool   // much was written of late, which may wait in the kernel
	counted bool          // the kernel tells what the peer has taken
	seen    uint64        // of writes, at the last look; only Watch uses it
	pace    pace          // of writing
	lag     pace

	useful atomic.Uint64 // bytes of bodies and answers, of HTTP/2
	begun  atomic.Uint64 // requests
	noise  noise

	mu    sync.Mutex
	flows []*flow // that are watched; mu
}

// Of finds the Conn at the bottom of c, below TLS and below what net/http wraps
// a connection in that speaks HTTP/2 without TLS; or nil.
func Of(c net.Conn) *Conn {
	for {
		switch inner := c.(type) {
		case *Conn:
			return inner
		case *tls.Conn:
			c = inner.NetConn()
		case interface{ UnencryptedNetConn() net.Conn }:
			c = inner.UnencryptedNetConn()
		default:
			return nil
		}
	}
}

// socket is the connection at the bottom of c, which the kernel knows.
func socket(c net.Conn) net.Conn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = outer.NetConn()
	}
}

// Since is when the connection was accepted.
func (c *Conn) Since() time.Time { return c.since }

// Spoken says whether anything has come from the peer.
func (c *Conn) Spoken() bool { return c.spoken.Load() }

// Socket is the connection at the bottom, which the kernel knows.
func (c *Conn) Socket() net.Conn { return socket(c.Conn.Conn) }

// Multiplex says that the connection may carry up to n requests at once. It is
// called once.
func (c *Conn) Multiplex(n int) {
	c.width.Store(int32(n))
	c.listener.page.Widen(n)
}

// Begin counts a request that has been read and is now handled.
func (c *Conn) Begin() {
	c.whole.Store(c.read.Load())
	c.begun.Add(1)
	c.listener.page.Begin()
	if tally(c.requests.Add(running|quiet)).running() > 1 {
		c.listener.page.Share(1)
	}
}

// Handled says that the handler of the one running request has returned: its
// answer may still be on its way. It is not for connections that carry several
// requests at once.
func (c *Conn) Handled() { c.requests.And(^uint64(mask * quiet)) }

// Lasts says that what runs on this connection may be silent for as long as it
// likes: no standstill is to be seen in that, and no body is watched.
func (c *Conn) Lasts() {
	c.moved()
	c.releaseFlows()
}

// End counts one request of this connection as over. It does nothing if none
// is running.
func (c *Conn) End() {
	before, after := c.change(tally.end)
	if before == after {
		return
	}
	c.whole.Store(c.read.Load())
	if after.streaming() < before.streaming() {
		c.listener.page.Stream(-1)
	}
	if after.running() > 0 {
		c.listener.page.Share(-1)
	}
	c.listener.page.End()
}

// Running is the number of requests begun and not ended.
func (c *Conn) Running() int { return tally(c.requests.Load()).running() }

// moved notes that bytes came or went: whatever request was waiting for a sign
// of life has given one.
func (c *Conn) moved() {
	if tally(c.requests.Load()).quiet() == 0 {
		return
	}
	before, _ := c.change(tally.move)
	if n := before.quiet(); n > 0 {
		c.listener.page.Stream(n)
	}
}

func (c *Conn) change(to func(tally) tally) (before, after tally) {
	for {
		before = tally(c.requests.Load())
		after = to(before)
		if c.requests.CompareAndSwap(uint64(before), uint64(after)) {
			return before, after
		}
	}
}

// Read reads from the connection below.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.noteRead(n, err)
	return n, err
}

func (c *Conn) heard() {
	if !c.spoken.Load() {
		c.spoken.Store(true)
	}
	c.moved()
}

// Write writes to the connection below.
func (c *Conn) Write(p []byte) (int, error) {
	c.moved()
	return c.write(p)
}

// Close closes the connection and ends what was running on it.
func (c *Conn) Close() error {
	flooded := c.flooded()
	err := c.Conn.Close()
	if c.closed.CompareAndSwap(false, true) {
		if flooded {
			c.listener.Faults.add(Flood)
		}
		c.busy.Store(c.Running() > 0)
		for c.Running() > 0 {
			c.End()
		}
		if n := c.width.Load(); n > 0 {
			c.listener.page.Widen(-int(n))
		}
		c.listener.forget(c)
	}
	return err
}

// ReadFrom copies from src, in the kernel where the connection below and src
// allow it. A src that is itself tracked is looked through, since splice(2)
// wants sockets.
func (c *Conn) ReadFrom(src io.Reader) (int64, error) {
	c.moved()
	below, ok := c.Conn.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	c.beginCopy()
	defer c.endCopy()
	switch r := src.(type) {
	case *Conn:
		r.heard()
		return below.ReadFrom(socket(r))
	case *io.LimitedReader:
		if inner, ok := r.R.(*Conn); ok {
			inner.heard()
			r.R = socket(inner)
			defer func() { r.R = inner }()
		}
	}
	return below.ReadFrom(src)
}

// WriteTo copies to dst until the end, in the kernel where possible.
func (c *Conn) WriteTo(dst io.Writer) (int64, error) {
	c.heard()
	if to, ok := dst.(*Conn); ok {
		to.moved()
		to.beginCopy()
		defer to.endCopy()
		dst = socket(to)
	}
	return c.Conn.WriteTo(dst)
}
