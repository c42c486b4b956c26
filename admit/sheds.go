package admit

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/support-go/support/internal/journal"
	"github.com/support-go/support/stats"
)

// ErrShed is the error of a request that was shed, see Error.
var ErrShed = errors.New("admit: shed")

// Error says why a request was shed. It is ErrShed.
type Error struct{ Reason Reason }

// Error gives the reason.
func (e *Error) Error() string { return "admit: shed: " + e.Reason.String() }

// Is makes every Error an ErrShed.
func (e *Error) Is(target error) bool { return target == ErrShed }

// Reason is why a request was shed.
type Reason uint8

const (
	admitted Reason = iota
	// Full means that as many waited as could be served in time.
	Full
	// Waited means a wait of MaxWait: service has become much slower, or nothing
	// ends.
	Waited
	// Deadline means that it could not have been answered in the time that its
	// client gives it.
	Deadline
	// Pressure means that its class is not let in, see Gate.Favour.
	Pressure
	reasons
)

// String gives the name of the reason.
func (r Reason) String() string {
	switch r {
	case Full:
		return "full"
	case Waited:
		return "waited"
	case Deadline:
		return "deadline"
	case Pressure:
		return "pressure"
	}
	return "none"
}

// Decision is the record of a request that was shed, with what the gate saw
// at the time.
type Decision struct {
	At     time.Time
	Reason Reason
	Class  Class
	Name   string        // method and path, cut short
	Age    time.Duration // since it arrived
	State
}

const longest = 120 // bytes of a name

// sheds keeps the account of what was shed.
type sheds struct {
	log     *slog.Logger
	counts  [reasons][classes]*stats.Counter
	gone    *stats.Counter
	waited  *stats.Distribution
	journal journal.Journal[Decision]
}

func newSheds(reg *stats.Registry, log *slog.Logger) *sheds {
	s := &sheds{
		log:    log,
		gone:   reg.Counter("admit.gone"),
		waited: reg.Distribution("admit.wait_seconds"),
	}
	for reason := Full; reason < reasons; reason++ {
		for class := Sheddable; class <= Critical; class++ {
			s.counts[reason][class.index()] = reg.Counter("admit.shed", "reason", reason.String(), "class", class.String())
		}
	}
	reg.Describe("admit.shed", "requests that were shed")
	reg.Describe("admit.gone", "requests whose client left while they waited")
	reg.Describe("admit.wait_seconds", "time that requests waited which were then served")
	return s
}

// shed records one, and returns its error.
func (g *Gate) shed(r request, reason Reason) error {
	now := time.Now()
	g.mu.Lock()
	state := g.stateLocked(now)
	g.mu.Unlock()
	g.sheds.add(Decision{
		At: now, Reason: reason, Class: r.class, State: state,
		Name: strings.Clone(r.name[:min(len(r.name), longest)]), // of a header that is not to be kept
		Age:  now.Sub(r.arrived),
	})
	return &Error{Reason: reason}
}

func (s *sheds) add(d Decision) {
	s.counts[d.Reason][d.Class.index()].Add(1)
	if since, total := s.journal.Add(d, d.At); since > 0 {
		s.log.Warn("overload: shedding requests", "shed", since, "shed_in_all", total,
			"reason", d.Reason.String(), "class", d.Class.String(), "running", d.Running, "limit", d.Limit,
			"waiting", d.Waiting, "room", d.Room, "service", d.Service)
	}
}
