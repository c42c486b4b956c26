package admit

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/support-go/support/stats"
)

// Gate lets requests in. Its methods may be called by any number of
// goroutines. It starts none of its own.
type Gate struct {
	limits Limits
	sheds  *sheds

	mu      sync.Mutex
	demand  demand
	pace    pace
	line    line
	running int
	ages    ages
	limit   int   // how many may run, those that last not counted
	lowest  Class // that is let in
	turn    uint  // counts those that came, to look at a few only

	admitted uint64 // requests so far
}

// New returns a Gate. reg may be nil; a nil log is slog.Default().
//
// It raises GOMAXPROCS, for good, to one more than limits.Cores if it is less:
// with no P to spare, nobody can be refused while all cores compute.
func New(limits Limits, reg *stats.Registry, log *slog.Logger) *Gate {
	limits = limits.withDefaults()
	leaveOneFree(limits.Cores)
	return newGate(limits, newSheds(reg, cmp.Or(log, slog.Default())), realSense())
}

func newGate(limits Limits, sheds *sheds, sense sense) *Gate {
	return &Gate{
		limits: limits,
		sheds:  sheds,
		demand: newDemand(sense, limits.Cores),
		limit:  limits.first(),
		lowest: Sheddable,
	}
}

// grant is a place among the running. It must be given back with end.
type grant struct {
	age   int       // see ages
	began time.Time // zero if nobody measures
}

const (
	timeEvery = 32 // requests, of which one is measured while nobody waits
	lookEvery = 4  // requests beyond the cores, for one of which demand is asked
)

// begin lets a request in if it need not wait. Most pass here, and it takes
// neither memory nor, as a rule, a look at the clock.
func (g *Gate) begin(class Class) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn++
	if g.line.empty() && class >= g.lowest && g.running-g.ages.lasting < g.limit {
		if g.turn%timeEvery == 0 || g.running >= g.limits.Cores && g.turn%lookEvery == 0 {
			now := time.Now()
			g.lookLocked(now)
			return g.admitLocked(now), true
		}
		return g.admitLocked(time.Time{}), true
	}
	return grant{}, false
}

func (g *Gate) admitLocked(now time.Time) grant {
	g.running++
	g.admitted++
	return grant{age: g.ages.begin(), began: now}
}

// end gives a place back, and hands it on.
func (g *Gate) end(p grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	g.ages.end(p.age)
	if p.began.IsZero() && g.line.empty() {
		return
	}
	now := time.Now()
	if !p.began.IsZero() {
		g.pace.note(now.Sub(p.began))
	}
	g.handOnLocked(now)
}

// handOnLocked gives free places to those who wait.
func (g *Gate) handOnLocked(now time.Time) {
	for !g.line.empty() && g.running-g.ages.lasting < g.limit {
		w := g.line.pop()
		w.place = g.admitLocked(now)
		close(w.ready)
	}
}

// lookLocked works the limit out anew, if it is time.
func (g *Gate) lookLocked(now time.Time) {
	g.ages.turn(now, g.limits.Lasting)
	running := g.running - g.ages.lasting
	limit := g.limits.Running
	if limit == 0 {
		service := time.Duration(g.pace.service)
		g.demand.look(now, sight{running, g.admitted, service, g.limits.InFlight})
		limit = max(g.demand.limit(service), g.limits.Cores)
	}
	limit = min(limit, g.limits.InFlight)
	if g.limits.Latency > 0 {
		limit = max(min(limit, g.pace.within(g.limits.Latency, running, limit, now)), g.limits.Cores)
	}
	g.limit = limit
}

// Room is how many more requests of class Default would be let in at this
// moment, to run or to wait. It is cheap, and a guess a moment later.
func (g *Gate) Room() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lowest > Default {
		return 0
	}
	free := max(g.limit+g.ages.lasting-g.running, 0)
	if free > 0 && g.line.empty() {
		return free + 1
	}
	now := time.Now()
	return max(g.roomLocked(Default, now)-g.line.ahead(Default), 0)
}

// roomLocked is how many may wait, of a class and of those before it, so that the
// last of them will have waited for Standing, or for Burst if the queue is young
// or the class critical.
func (g *Gate) roomLocked(class Class, now time.Time) int {
	longest := g.limits.Standing
	if class == Critical || g.line.empty() || now.Sub(g.line.since) <= g.limits.Burst {
		longest = g.limits.Burst
	}
	room := blindRoom * g.limit
	if g.pace.service > 0 {
		room = int(float64(longest) * float64(g.limit) / g.pace.service)
	}
	if class == Sheddable {
		room /= 2
	}
	return min(max(room, 1), maxWaiting)
}

// forecastLocked is the time until a request that comes now would have waited
// and been served.
func (g *Gate) forecastLocked(class Class) time.Duration {
	waves := float64(g.line.ahead(class)+1)/float64(max(g.limit, 1)) + 1
	return time.Duration(waves * g.pace.service)
}

// Favour sheds all requests below a class from now on, until it is called with
// Sheddable, which lets everything in. It is for those who see that the process
// is in trouble.
func (g *Gate) Favour(class Class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lowest = class
}

// State is what a Gate sees at one moment.
type State struct {
	Running int           // requests, those that last included
	Lasting int           // of these, those that have given their place back
	Limit   int           // how many may run beside the lasting ones
	Waiting int           // requests
	Room    int           // how many may wait, of class Default
	Service time.Duration // mean time in the handler, of late
	Lowest  Class         // that is let in
}

// State says what the gate sees.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stateLocked(time.Now())
}

// Limits are those that the gate has been given, with the defaults for what was
// not set.
func (g *Gate) Limits() Limits { return g.limits }

func (g *Gate) stateLocked(now time.Time) State {
	return State{
		Running: g.running, Lasting: g.ages.lasting, Limit: g.limit,
		Waiting: g.line.length, Room: g.roomLocked(Default, now),
		Service: time.Duration(g.pace.service), Lowest: g.lowest,
	}
}

// Decisions are the latest that were shed, the oldest first, at most 256.
func (g *Gate) Decisions() []Decision { return g.sheds.journal.Latest() }

// Acquire lets a request of a protocol other than HTTP in. It waits like one of
// HTTP; what must be given back is the Permit. If the request is shed, the error
// is an *Error, which is ErrShed. If ctx ends first, it is the cause of that.
func (g *Gate) Acquire(ctx context.Context, class Class) (*Permit, error) {
	if p, ok := g.begin(class); ok {
		return &Permit{gate: g, place: p}, nil
	}
	p, err := g.wait(ctx, request{class: class})
	if err != nil {
		return nil, err
	}
	return &Permit{gate: g, place: p}, nil
}

// Permit is a place among the running requests of a Gate.
type Permit struct {
	once  sync.Once
	gate  *Gate
	place grant
}

// Release gives the place back, the first time that it is called.
func (p *Permit) Release() { p.once.Do(func() { p.gate.end(p.place) }) }
