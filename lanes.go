package support

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/offload"
	"github.com/support-go/support/requests"
)

// equip gives the group's lanes what they share with it, in a process that
// serves, when its number of Ps is settled.
func (g *Group) equip() {
	g.CPU.Name = cmp.Or(g.CPU.Name, "cpu")
	if g.CPU.Size <= 0 { // now, since the gate asks for one P more than there are cores
		g.CPU.Size = max(1, min(runtime.GOMAXPROCS(0), admit.Cores())-1)
	}
	g.IO.Name = cmp.Or(g.IO.Name, "io")
	if g.IO.Size <= 0 {
		g.IO.Size = 32
	}
	for _, p := range []*offload.Pool{&g.CPU, &g.IO} {
		p.Log = cmp.Or(p.Log, g.logger())
		p.Stats = cmp.Or(p.Stats, &g.Stats)
	}
}

// watchScheduler reports work that should be in a lane and is not, when it keeps
// others from running.
func (g *Group) watchScheduler(ctx context.Context) {
	offload.WatchScheduler(ctx, 0, g.logger(), &g.Stats)
}

// watchSpins reports such work also when there is another processor.
func (g *Group) watchSpins(ctx context.Context) {
	log := g.logger()
	requests.SpinWatch{Recorders: g.recorders, Report: func(s requests.Spin) {
		log.Warn("request computes outside of a lane", "route", s.Method+" "+s.Route, "for", s.For.Round(time.Millisecond), "id", s.ID, "server", s.Server, "stack", s.Stack.String())
	}}.Run(ctx)
}

// closeLanes waits a moment for jobs that nobody waits for any more.
func (p *process) closeLanes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, returning)
	defer cancel()
	return errors.Join(p.group.CPU.Close(ctx), p.group.IO.Close(ctx))
}
