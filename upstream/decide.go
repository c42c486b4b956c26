package upstream

import (
	"log/slog"
	"sync"
	"time"
)

// Decision is something that a Manager has decided about an address or a call,
// with the reason and the figures it saw.
type Decision struct {
	Time    time.Time    `json:"time"`
	Kind    DecisionKind `json:"kind"`
	Service string       `json:"service"`
	Address string       `json:"address,omitempty"`
	Why     string       `json:"why"`
}

// DecisionKind is what was decided.
type DecisionKind string

// The kinds of decisions.
const (
	DecideDown   DecisionKind = "down"   // an address is marked down
	DecideKeep   DecisionKind = "keep"   // an address is not, though it fails
	DecideProbe  DecisionKind = "probe"  // a probe has failed, or a trial begins
	DecideUp     DecisionKind = "up"     // an address serves again
	DecideRetry  DecisionKind = "retry"  // a call is repeated after a failure
	DecideHedge  DecisionKind = "hedge"  // a second call is made beside a slow one
	DecideRefuse DecisionKind = "refuse" // a call is not repeated, for the budget is spent
	DecideLookup DecisionKind = "lookup" // addresses could not be looked up
	DecideMisuse DecisionKind = "misuse" // a borrower has made a mistake
)

const (
	recentDecisions = 256
	recentExchanges = 32 // of each address
	maxWhy          = 500
)

// log keeps recent decisions, and writes those about addresses to the log,
// later: whoever decides may hold locks.
type log struct {
	mu        sync.Mutex
	decisions ring[Decision]
	unwritten []Decision
}

// decide notes a decision. It may be called with locks held.
func (s *service) decide(e *endpoint, kind DecisionKind, why string) {
	d := Decision{Time: time.Now(), Kind: kind, Service: s.name, Why: why[:min(len(why), maxWhy)]}
	if e != nil {
		d.Address = e.String()
	}
	if kind == DecideDown {
		s.instruments.downs.Add(1)
	}
	l := &s.m.log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decisions.add(d)
	switch kind {
	case DecideRetry, DecideHedge, DecideRefuse: // as frequent as calls
	default:
		if len(l.unwritten) < recentDecisions {
			l.unwritten = append(l.unwritten, d)
		}
	}
}

// write logs the decisions that have not been.
func (l *log) write(logger *slog.Logger) {
	l.mu.Lock()
	all := l.unwritten
	l.unwritten = nil
	l.mu.Unlock()
	for _, d := range all {
		attrs := []any{"kind", d.Kind, "service", d.Service, "address", d.Address, "why", d.Why}
		if d.Kind == DecideUp {
			logger.Info("upstream decision", attrs...)
		} else {
			logger.Warn("upstream decision", attrs...)
		}
	}
}

func (l *log) recent() []Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.decisions.newestFirst()
}

// ring keeps the last few of something. Its owner guards it.
type ring[T any] struct {
	kept []T
	size int
	next int
}

func newRing[T any](size int) ring[T] { return ring[T]{size: size} }

// add keeps v, in the place of the oldest when there are enough.
func (r *ring[T]) add(v T) {
	if len(r.kept) < r.size {
		r.kept = append(r.kept, v)
		return
	}
	r.kept[r.next] = v
	r.next = (r.next + 1) % r.size
}

func (r *ring[T]) newestFirst() []T {
	all := make([]T, 0, len(r.kept))
	for i := len(r.kept) - 1; i >= 0; i-- {
		all = append(all, r.kept[(r.next+i)%len(r.kept)])
	}
	return all
}
