package support

import (
	"cmp"
	"fmt"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/portrait"
	"github.com/support-go/support/offload"
	"github.com/support-go/support/prefork"
)

// settings show how the group is configured, with what was set and what is a
// default.
func (g *Group) settings(lanes []portrait.Setting) []meta.Block {
	setting := func(name string, set, used any) portrait.Setting {
		return portrait.Setting{Name: name, Used: used, Default: fmt.Sprint(set) == "0" || fmt.Sprint(set) == ""}
	}
	group := []portrait.Setting{
		setting("Name", g.Name, g.Name), setting("Workers", g.Workers, g.Workers), setting("Dir", g.Dir, cmp.Or(g.Dir, prefork.RuntimeDir(g.Name))),
	}
	blocks := []meta.Block{
		portrait.Config("Group", append(group, portrait.Settings("Drain", g.Drain, g.Drain.withDefaults())...)),
		portrait.Config("Admit", portrait.Settings("Admit", g.Admit, g.admitLimits().InForce())),
		portrait.Config("Pressure", portrait.Settings("Pressure", g.Pressure, g.Pressure.InForce())),
		portrait.Config("Lanes", lanes),
	}
	if g.Workers > 0 {
		blocks = append(blocks, portrait.Config("Limits of workers", portrait.Settings("Limits", g.Limits, g.Limits.InForce(g.Workers))))
	}
	for _, s := range g.all() {
		blocks = append(blocks, portrait.Config("Server "+s.name(), g.settingsOf(s, setting)))
	}
	return blocks
}

func (g *Group) settingsOf(s *Server, setting func(name string, set, used any) portrait.Setting) []portrait.Setting {
	all := []portrait.Setting{
		setting("Listen", s.Listen, s.Listen), setting("Name", s.Name, s.name()), setting("Socket.Backlog", s.Socket.Backlog, cmp.Or(s.Socket.Backlog, defaultBacklog)),
	}
	if s.Packet != nil || s.ServePacket != nil {
		return append(all, portrait.Settings("Packets", s.Packets, s.Packets.withDefaults())...)
	}
	if s.Handler != nil || s.role != "" {
		used := s.HTTP.withDefaults()
		used.Slow = cmp.Or(used.Slow, g.slow())
		all = append(all, portrait.Settings("HTTP", s.HTTP, used)...)
	}
	if s.role != "" {
		return all
	}
	overload := s.Overload
	overload.Accept = s.acceptLimits().InForce()
	return append(all, portrait.Settings("Overload", s.Overload, overload)...)
}

// lanes shows both pools. A pool writes its defaults into its own fields when it
// is first used, so it must not be called later than that.
func (g *Group) lanes() []portrait.Setting {
	return append(lane("CPU", "GOMAXPROCS - 1", &g.CPU), lane("IO", "32", &g.IO)...)
}

// lane shows a pool, whose size is known when a process that serves has begun.
func lane(name, size string, p *offload.Pool) []portrait.Setting {
	if p.Size > 0 {
		size = fmt.Sprint(p.Size)
	}
	queue := "64 for each lane"
	if p.Limits.Queue != 0 {
		queue = fmt.Sprint(max(p.Limits.Queue, 0))
	}
	return []portrait.Setting{
		{Name: name + ".Size", Used: size, Default: p.Size <= 0}, {Name: name + ".Limits.Queue", Used: queue, Default: p.Limits.Queue == 0},
		{Name: name + ".Limits.Wait", Used: cmp.Or(p.Limits.Wait, 10*time.Second), Default: p.Limits.Wait == 0},
		{Name: name + ".Limits.Patience", Used: p.Limits.Patience, Default: p.Limits.Patience == 0}, {Name: name + ".Limits.Budget", Used: p.Limits.Budget, Default: p.Limits.Budget == 0},
	}
}
