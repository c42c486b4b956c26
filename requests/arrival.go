package requests

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Arrival says when a request got how far before its handler began. Zero times
// are unknown.
type Arrival struct {
	Kernel  time.Time // the kernel had the connection, or the request's first bytes
	Taken   time.Time // the program had taken it from the kernel, and let it wait
	Served  time.Time // it was its turn: a TLS handshake, if any, began
	Secured time.Time // the handshake was over, and the request's header was read
}

// Arrives is for ResponseWriters and connections that know when a request
// arrived. The Recorder asks the ResponseWriter that it is given and those that
// it wraps, then, for the first request of a connection that it has been told
// of, the connection and those that it wraps.
type Arrives interface {
	Arrived() Arrival
}

// arrivalOf asks whoever may know. All that is known of a connection that does
// not is when the server got it.
func (rec *Recorder) arrivalOf(w http.ResponseWriter, r *http.Request) Arrival {
	for inner := w; inner != nil; {
		if a, ok := inner.(Arrives); ok {
			return a.Arrived()
		}
		u, ok := inner.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		inner = u.Unwrap()
	}
	c := rec.connOf(r)
	if c == nil || c.used.Swap(true) {
		return Arrival{}
	}
	for inner := c.conn; inner != nil; {
		switch t := inner.(type) {
		case Arrives:
			return t.Arrived()
		case *tls.Conn:
			inner = t.NetConn()
		case interface{ NetConn() net.Conn }:
			inner = t.NetConn()
		default:
			return Arrival{Secured: c.since}
		}
	}
	return Arrival{Secured: c.since}
}
