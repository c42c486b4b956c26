package support

import (
	"cmp"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/support-go/support/internal/bind"
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
