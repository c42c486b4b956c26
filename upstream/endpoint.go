package upstream

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// place is where an endpoint is: what it is told apart by.
type place struct {
	network string // "tcp" or "unix"
	addr    string // what to dial: an IP address and port, or a path
	server  string // the name that TLS expects
}

// endpoint is one address of one service, with its connections and what is
// known of it. Services do not share endpoints, so that no connection is lent
// under another's TLS configuration.
type endpoint struct {
	place
	svc      *service
	ip       netip.Addr // invalid for a unix socket
	timeouts Timeouts
	webHost  string // what http.Transport calls it
	web      atomic.Pointer[http.Transport]

	weight  atomic.Int64
	active  atomic.Int64 // what it has to do: loans, those who wait for one, HTTP requests
	latency average
	health

	mu      sync.Mutex
	idle    []*socket            // the one returned last is at the end
	open    map[*socket]struct{} // all of them
	dialing int
	waiting []*waiter
	retired bool // no longer among the addresses
	count   counts
	recent  ring[Exchange]
}

// counts are the events of an endpoint since the last time they were collected.
type counts struct {
	loans, reused, dials, failures, read, written int64
	closed                                        [len(causes)]int64
}

func newEndpoint(svc *service, p place) *endpoint {
	e := &endpoint{place: p, svc: svc, open: make(map[*socket]struct{}), recent: newRing[Exchange](recentExchanges)}
	e.webHost = webHostOf(svc.m.ids.Add(1))
	if ap, err := netip.ParseAddrPort(p.addr); err == nil {
		e.ip = ap.Addr()
	}
	e.timeouts = svc.conf.Timeouts.forAddress(isNear(e.ip))
	e.weight.Store(1)
	return e
}

// isNear tells whether an address is within this host or, as far as one can
// tell, this network.
func isNear(ip netip.Addr) bool {
	return !ip.IsValid() || ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}

func (e *endpoint) clock() *clock { return &e.svc.m.clock }

// String returns the address as a user would give it.
func (e *endpoint) String() string {
	if e.network == "unix" {
		return unixPrefix + e.addr
	}
	if e.server == "" || strings.HasPrefix(e.addr, e.server) || strings.HasPrefix(e.addr, "["+e.server) {
		return e.addr
	}
	return e.addr + " (" + e.server + ")"
}

// answer notes the beginning of an answer that took so long.
func (e *endpoint) answer(took time.Duration, now instant) {
	e.latency.add(took)
	e.svc.spread.add(took)
	e.svc.instruments.response.AddAt(took.Seconds(), e.clock().time(now))
}

// succeed ends a row of failures and a trial.
func (e *endpoint) succeed(now instant) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.succeedLocked(now)
}

func (e *endpoint) succeedLocked(now instant) {
	was := e.condition()
	if was == down && e.probing {
		return // the probe itself says whether it is content
	}
	e.inRow = 0
	if was == up {
		e.uneasy.Store(false)
		return
	}
	e.rose(&e.svc.conf.Health, now, up)
	e.svc.decide(e, DecideUp, "an exchange has succeeded")
}

// fail notes a failure and marks the address down if it is one too many.
func (e *endpoint) fail(err error, k kind) { e.blame(err, k, 1) }

// blame is fail with what the failure counts for among recent exchanges.
func (e *endpoint) blame(err error, k kind, counts float64) {
	now := e.clock().now()
	conf := &e.svc.conf.Health
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inRow == 0 {
		e.firstRow = now
	}
	e.inRow++
	e.bad += counts
	e.count.failures++
	e.kind = k
	e.uneasy.Store(true)
	if e.condition() == down {
		return
	}
	why := e.verdict(conf, now, counts)
	if why == "" {
		return
	}
	why += ", last: " + err.Error()
	if k == soft && e.condition() == up && !e.svc.mayFall(e, e.inRow >= conf.Failures) {
		if e.bad > 0 {
			e.svc.decide(e, DecideKeep, why+"; kept, for too many of its tier would be down")
		}
		e.ok, e.bad = 0, 0
		return
	}
	e.fell(conf, now, why)
	e.svc.decide(e, DecideDown, why)
	e.closeIdleLocked(causeDown)
}

// downError says why e is passed over, or nil if it is not.
func (e *endpoint) downError() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.condition() != down {
		return nil
	}
	return &downError{since: e.clock().time(e.since), why: e.why}
}
