package pressure

import (
	"cmp"
	"context"
	"time"

	"github.com/support-go/support/stats"
)

// Level says how short something is.
type Level int

const (
	// Calm means that nothing is to be done.
	Calm Level = iota
	// Tight is a time to give back what is kept for later, such as idle
	// connections.
	Tight
	// Short is a time to do without what can be done without.
	Short
	// Dire is a time to take on nothing new, and to think of being replaced.
	Dire
)

// String gives the name of the level.
func (l Level) String() string {
	return [...]string{"calm", "tight", "short", "dire"}[min(max(l, Calm), Dire)]
}

// Marks are where the levels of a signal begin. A mark of 0 is the default; one
// below 0 is never reached.
type Marks struct{ Tight, Short, Dire float64 }

func (m Marks) or(d Marks) Marks {
	return Marks{cmp.Or(m.Tight, d.Tight), cmp.Or(m.Short, d.Short), cmp.Or(m.Dire, d.Dire)}
}

// level is the level of a value.
func (m Marks) level(v float64) Level {
	switch {
	case m.Dire > 0 && v >= m.Dire:
		return Dire
	case m.Short > 0 && v >= m.Short:
		return Short
	case m.Tight > 0 && v >= m.Tight:
		return Tight
	}
	return Calm
}

// Watch says what to watch. Zero fields take the defaults.
type Watch struct {
	Off   bool          // watch nothing
	Every time.Duration // between two looks; default 250 ms
	Hold  time.Duration // a level stays for so long after its cause; default 2 s

	Memory Marks // what lives in memory, as a part of GOMEMLIMIT if there is one; default 0.75, 0.85, 0.95
	GC     Marks // CPU time of the garbage collector, as a part of what there is; default 0.3, 0.5, never
	Delay  Marks // time that a goroutine which is ready waits to run, the 99th percentile, in seconds; default 0.05, 0.2, never
	Files  Marks // open files, as a part of their limit; default 0.8, 0.9, 0.95
}

// InForce returns w with the defaults where nothing is set.
func (w Watch) InForce() Watch {
	w.Every = cmp.Or(w.Every, 250*time.Millisecond)
	w.Hold = cmp.Or(w.Hold, 2*time.Second)
	w.Memory = w.Memory.or(Marks{0.75, 0.85, 0.95})
	w.GC = w.GC.or(Marks{0.3, 0.5, -1})
	w.Delay = w.Delay.or(Marks{0.05, 0.2, -1})
	w.Files = w.Files.or(Marks{0.8, 0.9, 0.95})
	return w
}

// Signals are what is watched, in the units of the Marks.
type Signals struct{ Memory, GC, Delay, Files float64 }

// Reading is what a look has found.
type Reading struct {
	Signals
	Level Level  // the highest of late
	Cause string // the signal that has reached it, or "" if it is Calm
}

// Run looks until ctx ends, and calls act after each look, on its own goroutine.
// The readings are gauges in reg, which may be nil: pressure.memory_ratio,
// pressure.gc_ratio, pressure.delay_seconds, pressure.files_ratio and
// pressure.level. It returns the cause of the end.
func (w Watch) Run(ctx context.Context, reg *stats.Registry, act func(Reading)) error {
	if w.Off {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return w.run(ctx, reg, newSenses().read, act)
}

func (w Watch) run(ctx context.Context, reg *stats.Registry, read func() Signals, act func(Reading)) error {
	w = w.InForce()
	gauges := newGauges(reg)
	var last Reading
	var since time.Time // last.Level has been reached
	look := time.NewTicker(w.Every)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
		r := w.judge(read())
		now := time.Now()
		if r.Level < last.Level && now.Sub(since) < w.Hold {
			r.Level, r.Cause = last.Level, last.Cause
		} else {
			since = now
		}
		last = r
		gauges.set(r)
		act(r)
	}
}

func (w Watch) judge(s Signals) Reading {
	r := Reading{Signals: s}
	for _, signal := range []struct {
		name  string
		level Level
	}{
		{"memory", w.Memory.level(s.Memory)}, {"gc", w.GC.level(s.GC)},
		{"delay", w.Delay.level(s.Delay)}, {"files", w.Files.level(s.Files)},
	} {
		if signal.level > r.Level {
			r.Level, r.Cause = signal.level, signal.name
		}
	}
	return r
}

type gauges struct{ memory, gc, delay, files, level *stats.Gauge }

func newGauges(reg *stats.Registry) gauges {
	reg.Describe("pressure.level", "0 calm, 1 tight, 2 short, 3 dire")
	return gauges{
		reg.Gauge("pressure.memory_ratio"), reg.Gauge("pressure.gc_ratio"), reg.Gauge("pressure.delay_seconds"),
		reg.Gauge("pressure.files_ratio"), reg.Gauge("pressure.level"),
	}
}

func (g gauges) set(r Reading) {
	g.memory.Set(r.Memory)
	g.gc.Set(r.GC)
	g.delay.Set(r.Delay)
	g.files.Set(r.Files)
	g.level.Set(float64(r.Level))
}
