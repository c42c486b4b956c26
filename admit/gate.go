package admit

import (
	"cmp"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/stats"
)

// Gate lets requests in. Its methods may be called by any number of
// goroutines. It has none of its own, and a timer while requests wait.
type Gate struct {
	limits Limits
	sheds  *sheds
	lends  atomic.Bool // requests have stepped aside, see StepAside

	mu      sync.Mutex
	demand  demand
	pace    pace
	line    line
	watch   watch
	running int
	ages    ages
	limit   int   // how many may run, those that last not counted
	most    int   // the same, while the CPU is idle
	lowest  Class // that is let in
	turn    turn

	admitted uint64 // requests so far
}

// New returns a Gate. reg may be nil; a nil log is slog.Default().
//
// It raises GOMAXPROCS, for good, to one more than limits.Cores if it is less:
// with no P to spare, nobody can be refused while all cores compute.
func New(limits Limits, reg *stats.Registry, log *slog.Logger) *Gate {
	limits = limits.InForce()
	leaveOneFree(limits.Cores)
	return newGate(limits, newSheds(reg, cmp.Or(log, slog.Default())), realSense())
}

// Fixed returns a Gate that lets n in at once, however long they stay, and has
// the others wait for at most the time longest: a fifth of it while there is
// always somebody who waits, by the forecast. It is for places that are not the
// CPU of this process, such as the lanes of package offload: it counts nothing,
// and leaves GOMAXPROCS alone. A nil log is slog.Default().
func Fixed(n int, longest time.Duration, log *slog.Logger) *Gate {
	limits := Limits{
		Cores: n, Running: n, InFlight: n, Lasting: math.MaxInt64, fixed: true,
		Standing: longest / 5, Burst: longest * 2 / 5, MaxWait: longest,
	}
	return newGate(limits, newSheds(nil, cmp.Or(log, slog.Default())), sense{})
}

func newGate(limits Limits, sheds *sheds, sense sense) *Gate {
	return &Gate{
		limits: limits,
		sheds:  sheds,
		demand: newDemand(sense, limits.Cores),
		limit:  cmp.Or(limits.Running, limits.Cores),
		lowest: Sheddable,
	}
}

// grant is a place among the running. It must be given back with end.
type grant struct {
	age   int       // see ages
	began time.Time // zero if nobody measures
}

// begin lets a request in if it need not wait. Most pass here, and it takes
// neither memory nor, as a rule, a look at the clock.
func (g *Gate) begin(class Class) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.line.empty() || class < g.lowest || g.busyLocked() >= g.limit {
		return grant{}, false
	}
	if !g.turn.comes() {
		return g.admitLocked(time.Time{}), true
	}
	now := time.Now()
	g.turn.next(now)
	g.lookLocked(now)
	return g.admitLocked(now), true
}

// busyLocked is how many run, those that last not counted.
func (g *Gate) busyLocked() int { return g.running - g.ages.lasting }

func (g *Gate) admitLocked(now time.Time) grant {
	g.running++
	g.admitted++
	return grant{age: g.ages.begin(), began: now}
}

// end gives a place back, and hands it on.
func (g *Gate) end(p grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.endLocked(p)
}

func (g *Gate) vacateLocked(p grant) {
	g.running--
	g.ages.end(p.age)
}

func (g *Gate) endLocked(p grant) {
	g.vacateLocked(p)
	if p.began.IsZero() && g.line.empty() {
		return
	}
	now := time.Now()
	if !p.began.IsZero() {
		g.pace.note(now.Sub(p.began))
	}
	if !g.line.empty() {
		g.pace.count(1, now)
		g.handOnLocked(now)
	}
}

// handOnLocked gives free places to those who wait, or one more if there are none
// and the CPU is idle.
func (g *Gate) handOnLocked(now time.Time) {
	if g.line.empty() {
		return
	}
	if g.busyLocked() >= g.limit && g.spareLocked() {
		g.letInLocked(now)
	}
	for !g.line.empty() && g.busyLocked() < g.limit {
		g.letInLocked(now)
	}
}

// letInLocked gives a place to the one whose turn it is.
func (g *Gate) letInLocked(now time.Time) {
	w := g.line.pop()
	w.place = g.admitLocked(now)
	close(w.ready)
}

// lookLocked works the limit out anew, if it is time.
func (g *Gate) lookLocked(now time.Time) {
	g.ages.turn(now, g.limits.Lasting)
	busy := g.busyLocked()
	most := min(cmp.Or(g.limits.Running, g.limits.InFlight), g.limits.InFlight)
	if g.limits.Latency > 0 {
		most = max(min(most, g.pace.within(g.limits.Latency, busy, most, now)), min(g.limits.Cores, most))
	}
	g.limit, g.most = most, most
	if g.limits.Running > 0 {
		return
	}
	g.demand.look(now, sight{busy, g.admitted, time.Duration(g.pace.service), most})
	each := g.demand.each(g.pace.service)
	g.limit = min(max(g.demand.limit(each), g.limits.Cores), most)
	g.most = min(g.worthLocked(each), most)
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
