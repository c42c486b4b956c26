package accept

import (
	"log/slog"
	"net"
	"time"

	"github.com/support-go/support/internal/journal"
	"github.com/support-go/support/stats"
)

// Reason is why a connection was turned away.
type Reason uint8

const (
	// Full means that as many waited as may.
	Full Reason = iota
	// Waited means that it waited for too long.
	Waited
	// Busy means that Limits.Room was none.
	Busy
	// Open means that Limits.Open were open, and none of them idle.
	Open
	reasons
)

// String gives the name of the reason.
func (r Reason) String() string {
	return [...]string{"full", "waited", "busy", "open", "none"}[min(r, reasons)]
}

// Refused is the record of a connection that was turned away, with what the
// queue saw at the time.
type Refused struct {
	At     time.Time
	Reason Reason
	Peer   string        // its address, if it was asked for
	Age    time.Duration // since it was taken from the kernel
	State
}

// account is what a Queue has done.
type account struct {
	log      *slog.Logger
	refused  [reasons]*stats.Counter
	evicted  *stats.Counter
	silent   *stats.Counter
	broken   *stats.Counter
	failures *stats.Counter
	waited   *stats.Distribution
	journal  journal.Journal[Refused]
}

func newAccount(reg *stats.Registry, log *slog.Logger) *account {
	a := &account{
		log:      log,
		evicted:  reg.Counter("accept.evicted"),
		silent:   reg.Counter("accept.silent"),
		broken:   reg.Counter("accept.unfinished"),
		failures: reg.Counter("accept.failures"),
		waited:   reg.Distribution("accept.wait_seconds"),
	}
	for reason := range reasons {
		a.refused[reason] = reg.Counter("accept.refused", "reason", reason.String())
	}
	reg.Describe("accept.refused", "connections that were turned away")
	reg.Describe("accept.evicted", "idle connections that were closed to make room")
	reg.Describe("accept.silent", "connections that were closed since they never said anything")
	reg.Describe("accept.unfinished", "connections that ended with a first request of which not all had come, or which was malformed")
	reg.Describe("accept.failures", "times that accept failed, as with too many open files")
	reg.Describe("accept.wait_seconds", "time that connections waited which were then served")
	return a
}

func (q *Queue) event(reason Reason, peer net.Addr, age time.Duration) Refused {
	e := Refused{At: time.Now(), Reason: reason, Age: age, State: q.State()}
	if peer != nil {
		e.Peer = peer.String()
	}
	return e
}

func (a *account) refuse(e Refused) {
	a.refused[e.Reason].Add(1)
	if since, total := a.journal.Add(e, e.At); since > 0 {
		a.log.Warn("overload: turning connections away", "refused", since, "refused_in_all", total,
			"reason", e.Reason.String(), "open", e.Open, "active", e.Active, "waiting", e.Waiting)
	}
}
