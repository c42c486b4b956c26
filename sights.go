package support

import (
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/pressure"
)

// sights are the pages of what only a group knows of itself.
func (g *Group) sights() []meta.Page {
	return append([]meta.Page{pages.Servers(g.seenServing)}, pages.Upstreams(&g.Upstream)...)
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
	return s
}

func (u *unit) seen() pages.Server {
	s := pages.Server{
		Name: u.server.name(), Network: u.ln.Addr().Network(), Address: u.ln.Addr().String(), Protocol: "streams", TLS: u.server.TLS,
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
