package track

import (
	"crypto/tls"
	"net"
	"os"
	"sync/atomic"
)

// Fault is what a client does, or leaves undone, for which it is cut off.
type Fault uint8

const (
	// None is no fault.
	None Fault = iota
	// Silent is to connect, and to say nothing in time.
	Silent
	// SlowHeader is to bring no whole header in time, nor a TLS handshake.
	SlowHeader
	// Malformed is a header that the server cannot read.
	Malformed
	// LargeHeader is a header of more bytes than the server reads.
	LargeHeader
	// LargeBody is a body that is announced to be longer than the server takes.
	LargeBody
	// Handshake is a TLS handshake that fails.
	Handshake
	// SlowBody is to give less of a body than Listener.Stall wants.
	SlowBody
	// SlowReader is to take less of an answer than Listener.Stall wants.
	SlowReader
	// Crowd is to be one of more than Listener.Slow that give or take next to
	// nothing.
	Crowd
	// Noise is to send, over HTTP/2, much that is no part of a request.
	Noise
	// Flood is to have so much to answer, over HTTP/2, and to take none of it, that
	// the server gives up.
	Flood
	faults
)

// String gives the name of the fault.
func (f Fault) String() string {
	return [...]string{
		"none", "silent", "slow_header", "malformed", "large_header", "large_body", "handshake",
		"slow_body", "slow_reader", "crowd", "noise", "flood",
	}[min(f, faults-1)]
}

// EachFault calls do with each fault that there is.
func EachFault(do func(Fault)) {
	for f := Silent; f < faults; f++ {
		do(f)
	}
}

// Faults counts what clients were cut off for. Its zero value is ready.
type Faults struct {
	Also   func(Fault) // is told of each, if set; before the first Accept
	counts [faults]atomic.Uint64
}

// Of says how often there was one.
func (f *Faults) Of(one Fault) uint64 { return f.counts[one].Load() }

func (f *Faults) add(one Fault) {
	if one == None {
		return
	}
	f.counts[one].Add(1)
	if f.Also != nil {
		f.Also(one)
	}
}

// The ends that the latest Read has come to.
const (
	well   = iota // it has brought something
	late          // its deadline was over
	failed        // the peer has gone, or the connection was closed by others
)

// noteRead keeps how a Read has ended. A handler that ends lets a Read end by
// its deadline too, so that only the latest means anything.
func (c *Conn) noteRead(n int, err error) {
	end := int32(well)
	if err != nil {
		end = failed
		if op, ok := err.(*net.OpError); ok && op.Err == os.ErrDeadlineExceeded { //nolint:errorlint // it is called for each request
			end = late
		}
	}
	if c.ending.Load() != end {
		c.ending.Store(end)
	}
	if n > 0 {
		c.read.Add(uint64(n))
		c.heard()
		if c.answered.Load() {
			c.answered.Store(false)
		}
	}
}

// Blame finds out, when an HTTP/1 server is done with a connection that it did
// not hand over, whether that was its client's fault, and counts it. outer is
// what the server knows the connection as, and limit how many bytes of a header
// it reads.
func (c *Conn) Blame(outer net.Conn, limit int) {
	if c.width.Load() == 0 && !c.busy.Load() {
		c.listener.Faults.add(c.fault(outer, limit))
	}
}

// BlameBody counts a body that is too long.
func (c *Conn) BlameBody() { c.listener.Faults.add(LargeBody) }

// alert is the longest that either side sends to end TLS. It is no answer.
const alert = 31

func (c *Conn) fault(outer net.Conn, limit int) Fault {
	head := c.read.Load() - c.whole.Load()
	secret, encrypted := outer.(*tls.Conn)
	switch end := c.ending.Load(); {
	case end == late && !c.spoken.Load():
		return Silent
	case end == late && head > 0:
		return SlowHeader
	case end != well:
		return None
	case encrypted && !secret.ConnectionState().HandshakeComplete:
		return Handshake
	case head == 0 || !c.answered.Load(): // not even with a complaint
		return None
	case head >= uint64(limit):
		return LargeHeader
	}
	return Malformed
}

// flooded says whether the server closes an HTTP/2 connection by itself while its
// client takes nothing, as it does when ten thousand answers to pings wait.
func (c *Conn) flooded() bool {
	if c.width.Load() == 0 || uint32(c.writes.Load()) == 0 || c.ending.Load() != well || c.cut.Load() {
		return false
	}
	select {
	case <-c.listener.closed: // the server ends all
		return false
	default:
		return true
	}
}
