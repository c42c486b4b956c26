package support

import (
	"cmp"
	"fmt"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/portrait"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/stats"
)

// facts are what the rules of Findings look at.
func (g *Group) facts(state prefork.State, sum stats.Snapshot) portrait.Facts {
	f := portrait.Facts{State: state, Stats: sum, Backlog: portrait.Somaxconn(), Backlogs: make(map[string]int)}
	if limit, err := memlimit.FromCgroup(); err == nil {
		f.Memory = limit
	}
	for _, s := range g.servers {
		if s.Handler != nil && s.HTTP.Stall < 0 {
			f.Endless = append(f.Endless, s.name())
		}
		if network, _ := bind.Parse(s.Listen); network == "tcp" {
			f.Backlogs[s.name()] = cmp.Or(s.Socket.Backlog, defaultBacklog)
		}
	}
	for _, s := range g.admin {
		if s.metrics && !s.meta && !private(s.Listen) {
			f.Exposed = append(f.Exposed, s.Listen)
		}
	}
	return f
}

// defaultBacklog is what package bind takes if a Socket says nothing.
const defaultBacklog = 1024

// settings show how the group is configured, with what was set and what is a
// default.
func (g *Group) settings() []meta.Block {
	d := g.Drain.withDefaults()
	setting := func(name string, set, used any) portrait.Setting {
		return portrait.Setting{Name: name, Used: used, Default: fmt.Sprint(set) == "0s" || fmt.Sprint(set) == "0" || fmt.Sprint(set) == ""}
	}
	blocks := []meta.Block{
		portrait.Config("Group", []portrait.Setting{
			setting("Name", g.Name, g.Name), setting("Workers", g.Workers, g.Workers), setting("Dir", g.Dir, cmp.Or(g.Dir, prefork.RuntimeDir(g.Name))),
		}),
		portrait.Config("Drain", []portrait.Setting{
			setting("Drain.Delay", g.Drain.Delay, d.Delay), setting("Drain.LameDuck", g.Drain.LameDuck, d.LameDuck), setting("Drain.Grace", g.Drain.Grace, d.Grace),
		}),
	}
	for _, s := range g.all() {
		h := s.HTTP.withDefaults()
		settings := []portrait.Setting{
			setting("Listen", s.Listen, s.Listen), setting("Name", s.Name, s.name()), setting("Socket.Backlog", s.Socket.Backlog, cmp.Or(s.Socket.Backlog, defaultBacklog)),
		}
		if s.Handler != nil || s.role != "" {
			settings = append(settings,
				setting("HTTP.HeaderTimeout", s.HTTP.HeaderTimeout, h.HeaderTimeout), setting("HTTP.IdleTimeout", s.HTTP.IdleTimeout, h.IdleTimeout),
				setting("HTTP.HeaderBytes", s.HTTP.HeaderBytes, h.HeaderBytes), setting("HTTP.Streams", s.HTTP.Streams, h.Streams), setting("HTTP.Stall", s.HTTP.Stall, h.Stall),
				setting("HTTP.BodyBytes", s.HTTP.BodyBytes, s.HTTP.BodyBytes), setting("HTTP.Slow", s.HTTP.Slow, cmp.Or(s.HTTP.Slow, g.slow())))
		}
		blocks = append(blocks, portrait.Config("Server "+s.name(), settings))
	}
	return blocks
}
