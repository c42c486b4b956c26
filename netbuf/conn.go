// Package netbuf reads messages from a [net.Conn] and gathers writes to it.
//
// A protocol is mostly questions such as "everything up to the next CR LF" or
// "the next 120 bytes". A [Conn] answers them in one call each, with a limit on
// the size and on the time, and loses nothing when one of them fails:
//
//	conn := netbuf.NewConn(nc)
//	conn.Limits.ReadTimeout = 5 * time.Second
//	line, err := conn.ReadUntil([]byte("\r\n"), 1024)
//	if errors.Is(err, netbuf.ErrTooLong) {
//		log.Printf("no line in %q", conn.Buffered())
//	}
//
// # Views
//
// ReadUntil, ReadThrough, ReadFull, ReadFrame, ReadAll, Peek and Buffered
// return a view: a slice of the connection's own buffer. A view is good until
// the next call that reads from the same connection, or Shrink; only Discard of
// bytes that are already buffered leaves it alone. After that the memory holds
// other bytes, perhaps another connection's, so what has to live longer is
// copied: AppendUntil and AppendFull do it into the caller's buffer.
//
// # Goroutines
//
// Read, Write, Queue, Flush, Close and the deadlines may be called by several
// goroutines at once, as on any net.Conn. Views cannot be shared like that: all
// methods that return one, Discard and Shrink belong to one reading goroutine,
// which is then the only one that reads.
//
// # Failure
//
// A message that is too long, cut off by the peer or late ends in a
// [MessageError], and nothing of it is consumed: Buffered shows it, the same
// call made again goes on waiting for the rest, and another call may read it
// differently.
package netbuf

import (
	"net"
	"sync"
	"time"
)

// DefaultMessage is the longest message if Limits.Message is zero: 1 MiB.
const DefaultMessage = 1 << 20

// Limits says how large a message may be and how long an operation may take.
// Zero fields take defaults.
type Limits struct {
	// Message is the length in bytes of the longest message that is read
	// when the call itself gives no limit; default DefaultMessage.
	Message int

	// ReadTimeout bounds each reading call from its start to its end, however
	// many bytes drip in meanwhile; default none. It goes beside the read
	// deadline: the earlier of both holds, and neither changes the other.
	ReadTimeout time.Duration

	// WriteTimeout does the same for each Write, Queue and Flush.
	WriteTimeout time.Duration
}

// Conn is a net.Conn to read messages from. Create it with NewConn.
type Conn struct {
	// Limits may be set before the connection is used, and later while no
	// other goroutine uses it.
	Limits Limits

	nc net.Conn

	reading sync.Mutex // held by Read and WriteTo; view methods have one caller
	in      input
	readBy  deadline // of reads

	writing sync.Mutex // held while bytes are queued or sent
	out     output
	writeBy deadline // of writes
}

// NewConn returns a Conn that reads from and writes to nc, which from then on
// is used through the Conn only. It takes no buffer before one is needed.
func NewConn(nc net.Conn) *Conn {
	c := &Conn{nc: nc}
	c.in.src = nc
	c.in.buf = c.in.small[:]
	return c
}

// Close closes the connection. What is queued and not flushed is not sent.
func (c *Conn) Close() error { return c.nc.Close() }

// LocalAddr returns the local address of the connection.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Shrink gives back the buffers that hold nothing and ends all views. A
// connection that waits for its first bytes in a reading call does so by
// itself; Shrink is for one that is put aside, as in a pool.
func (c *Conn) Shrink() {
	c.reading.Lock()
	c.in.shrink()
	c.reading.Unlock()
}

// limit returns the longest message for a call that allows max bytes.
func (c *Conn) limit(max int) int {
	if max > 0 {
		return max
	}
	if c.Limits.Message > 0 {
		return c.Limits.Message
	}
	return DefaultMessage
}
