package requests

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// pending holds the followed requests of HTTP/1 whose answers net/http has yet
// to write, by connection.
type pending struct {
	n  atomic.Int32
	mu sync.Mutex
	of map[net.Conn]flushing
}

// maxPending is more than can be between two calls on one processor; only a
// server that never calls ConnState gets there.
const maxPending = 4096

// add has l wait for what becomes of c, if there is room.
func (p *pending) add(c net.Conn, l flushing) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.of) >= maxPending {
		return false
	}
	if p.of == nil {
		p.of = make(map[net.Conn]flushing)
	}
	p.of[c] = l
	p.n.Store(int32(len(p.of)))
	return true
}

func (p *pending) remove(c net.Conn) (l flushing, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok = p.of[c]
	delete(p.of, c)
	p.n.Store(int32(len(p.of)))
	return l, ok
}

// ConnState is told what becomes of connections, as http.Server.ConnState. Hook
// sees to it; it is for servers that have a ConnState of their own.
func (rec *Recorder) ConnState(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if !rec.told.Load() {
			rec.told.Store(true)
		}
		return
	case http.StateActive:
		return
	case http.StateClosed:
		if cancel := rec.conns.remove(c); cancel != nil {
			cancel(nil)
		}
	case http.StateHijacked:
		rec.conns.remove(c) // its handler runs still, and settle ends its context
	}
	if rec.pending.n.Load() == 0 {
		return
	}
	if l, ok := rec.pending.remove(c); ok {
		rec.flushed(l, rec.now())
	}
}
