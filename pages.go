package support

import (
	"syscall"
	"time"

	"github.com/support-go/support/internal/track"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/pressure"
)

// servingPages are the pages of what only a group knows of itself.
func (g *Group) servingPages() []meta.Page {
	all := append([]meta.Page{pages.Servers(g.seenServing)}, pages.Upstreams(&g.Upstream)...)
	return append(all, pages.Connections(g.seenConns, g.recorders), pages.Files(g.seenConns, g.seenListeners, g.recorders))
}

// seenServing is what this process serves; nothing before it does.
func (g *Group) seenServing() pages.Serving {
	p := g.serving.Load()
	if p == nil {
		return pages.Serving{}
	}
	s := pages.Serving{Gate: p.gate, Marks: g.Pressure.InForce(), Relief: relief, Stats: &g.Stats}
	if last := p.short.Load(); last != nil {
		s.Short = *last
	}
	for _, u := range p.units {
		s.Servers = append(s.Servers, u.seen())
	}
	for _, u := range p.packets {
		s.Servers = append(s.Servers, u.seen())
	}
	return s
}

func (u *unit) seen() pages.Server {
	s := pages.Server{
		Name: u.server.shown(), Network: u.ln.Addr().Network(), Address: u.ln.Addr().String(), Protocol: "streams", TLS: u.server.TLS,
		Queue: u.queue, Backlog: u.server.socket().Backlog,
	}
	switch {
	case u.server.Handler != nil:
		s.Protocol = "HTTP/1.1, HTTP/2"
	case u.server.Serve != nil:
		s.Protocol = "its own"
	}
	return s
}

func (u *packetUnit) seen() pages.Server {
	at := u.conn.LocalAddr()
	s := pages.Server{Name: u.server.shown(), Network: at.Network(), Address: at.String(), Protocol: "datagrams", Packets: &pages.Packets{Running: u.running()}}
	if u.handled != nil {
		s.Packets.Limit = u.handled.limits.Handlers
	}
	s.Packets.Dropped, _ = u.conn.Drops() // not known everywhere
	return s
}

// seenConns are the connections of this process, from clients and to services.
func (g *Group) seenConns() []pages.Conn {
	var all []pages.Conn
	if p := g.serving.Load(); p != nil {
		for _, u := range p.units {
			for _, c := range u.ln.Conns() {
				all = append(all, pages.Conn{Server: u.server.name(), State: stateOf(c), Since: c.Since(), Requests: c.Running(), Socket: c.Socket()})
			}
		}
	}
	now := time.Now()
	for s := range g.Upstream.Sockets {
		state := pages.ConnActive
		switch s.State {
		case "idle":
			state = pages.ConnIdle
		case "own":
			state = pages.ConnKept
		}
		all = append(all, pages.Conn{Service: s.Service, State: state, Since: now.Add(-s.Age), Socket: s.Conn})
	}
	return all
}

// seenListeners are the sockets of this process that its servers share.
func (g *Group) seenListeners() map[string]syscall.Conn {
	all := make(map[string]syscall.Conn)
	if p := g.serving.Load(); p != nil {
		for _, u := range p.units {
			all[u.server.name()] = u.queue
		}
		for _, u := range p.packets {
			if socket, ok := u.conn.PacketConn.(syscall.Conn); ok {
				all[u.server.name()] = socket
			}
		}
	}
	return all
}

func stateOf(c *track.Conn) pages.ConnState {
	switch {
	case c.Running() > 0:
		return pages.ConnActive
	case c.Spoken():
		return pages.ConnIdle
	}
	return pages.ConnSilent
}

// relief says what relieve does.
func relief(l pressure.Level) string {
	switch l {
	case pressure.Tight:
		return "one in eight idle connections is closed, unless time is what is short"
	case pressure.Short:
		return "so too, and requests that are sheddable are shed"
	case pressure.Dire:
		return "so too, and only critical requests are let in"
	}
	return "nothing"
}
