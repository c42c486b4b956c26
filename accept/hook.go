package accept

import (
	"net"
	"net/http"
)

// Hook has server tell the Queue which of its connections have a request: only
// these are active then. It adds to server.ConnState, and must be called before
// the server serves. Without it a connection is active until it is closed.
func (q *Queue) Hook(server *http.Server) {
	next := server.ConnState
	q.hooked.Store(true)
	server.ConnState = func(c net.Conn, state http.ConnState) {
		q.Note(c, state)
		if next != nil {
			next(c, state)
		}
	}
}

// Note is what Hook does for each change of a state, for those that have a
// ConnState of their own. c is a connection of this Queue or around one.
func (q *Queue) Note(c net.Conn, state http.ConnState) {
	own := Of(c)
	if own == nil {
		return
	}
	switch state {
	case http.StateActive:
		own.become(active)
		if q.held.Load() > 0 {
			q.held.Store(0) // who was waited for has come
		}
	case http.StateIdle:
		own.become(idle)
	case http.StateHijacked:
		own.become(other)
	}
}

// Of finds the Conn at the bottom of c, or nil.
func Of(c net.Conn) *Conn {
	for {
		switch outer := c.(type) {
		case *Conn:
			return outer
		case interface{ NetConn() net.Conn }:
			c = outer.NetConn()
		case interface{ UnencryptedNetConn() net.Conn }:
			c = outer.UnencryptedNetConn()
		default:
			return nil
		}
	}
}
