package support

import (
	"context"
	"log/slog"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/pressure"
)

// watchPressure acts on what the process runs short of, until ctx ends.
func (p *process) watchPressure(ctx context.Context) {
	if p.gate == nil {
		return
	}
	before, worn := pressure.Calm, worn{}
	_ = p.group.Pressure.Run(ctx, &p.group.Stats, func(r pressure.Reading) { // until ctx ends
		p.short.Store(&r)
		p.relieve(r)
		p.showBacklog()
		if p.worker != nil && worn.out(r, time.Now()) {
			p.log.Warn("asking to be replaced", "cause", r.Cause)
			p.worker.Retire("has been short of " + r.Cause + " for " + tooLong.String())
		}
		if r.Level != before {
			urgency := slog.LevelInfo
			if r.Level == pressure.Dire {
				urgency = slog.LevelWarn
			}
			p.log.Log(ctx, urgency, "pressure", "level", r.Level.String(), "was", before.String(), "cause", r.Cause,
				"memory", r.Memory, "gc", r.GC, "delay", r.Delay, "files", r.Files)
		}
		before = r.Level
	})
}

// tooLong is how long a process may be in the worst of levels until a fresh one is
// worth its start.
const tooLong = 5 * time.Second

// worn tells when a process should be replaced.
type worn struct {
	since time.Time // it has been in the worst level
	told  bool
}

// out says so, once.
func (w *worn) out(r pressure.Reading, now time.Time) bool {
	switch {
	case r.Level < pressure.Dire:
		w.since = time.Time{}
	case w.since.IsZero():
		w.since = now
	}
	if w.told || w.since.IsZero() || now.Sub(w.since) < tooLong {
		return false
	}
	w.told = true
	return true
}

// relieve does what a level is for.
func (p *process) relieve(r pressure.Reading) {
	lowest := admit.Sheddable
	switch r.Level {
	case pressure.Short:
		lowest = admit.Default
	case pressure.Dire:
		lowest = admit.Critical
	}
	p.gate.Favour(lowest)
	if r.Level == pressure.Calm || r.Cause == "delay" || r.Cause == "gc" {
		return // to which idle connections add nothing
	}
	for _, u := range p.units {
		u.queue.CloseIdle(u.queue.State().Open/8 + 1)
	}
}

// showBacklog has the statistics tell of the kernel's queues.
func (p *process) showBacklog() {
	reg := &p.group.Stats
	for _, u := range p.units {
		if length, limit, known := u.queue.Backlog(); known {
			reg.Gauge("accept.backlog", "server", u.server.shown()).Set(float64(length))
			reg.Gauge("accept.backlog_limit", "server", u.server.shown()).Set(float64(limit))
		}
	}
	if overflows, drops, known := accept.Overflows(); known {
		reg.Peak("accept.kernel_overflows").Reach(float64(overflows))
		reg.Peak("accept.kernel_drops").Reach(float64(drops))
	}
}
