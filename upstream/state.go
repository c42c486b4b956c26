package upstream

import (
	"cmp"
	"crypto/tls"
	"net"
	"slices"
	"time"
)

// State is what a Manager knows and has decided, as plain data.
type State struct {
	Services  []ServiceState `json:"services"`  // by name
	Decisions []Decision     `json:"decisions"` // newest first
	Open      int            `json:"open"`      // connections, those being made included
	Max       int            `json:"max"`
}

// ServiceState is the state of a service.
type ServiceState struct {
	Name       string        `json:"name"`
	Aliases    []string      `json:"aliases,omitempty"`
	Tiers      []TierState   `json:"tiers"`
	Errors     []string      `json:"errors,omitempty"` // of looking up addresses
	Repeats    float64       `json:"repeats"`          // that the budget still has
	HedgeAfter time.Duration `json:"hedge_after"`      // 0 while not known, or off
	P50        time.Duration `json:"p50"`              // of the time until answers, of late
	P99        time.Duration `json:"p99"`
}

// TierState is the state of a tier, or of the addresses of one priority in it.
type TierState struct {
	Addresses []AddressState `json:"addresses"`
}

// AddressState is the state of an address.
type AddressState struct {
	Address    string        `json:"address"`
	Weight     int64         `json:"weight"`
	State      string        `json:"state"`             // up, trial or down
	Warming    bool          `json:"warming,omitempty"` // it is back, and has not its full share yet
	Why        string        `json:"why,omitempty"`
	Since      time.Time     `json:"since,omitzero"`
	Retry      time.Time     `json:"retry,omitzero"` // of the next probe, while it is down
	Failures   int           `json:"failures"`       // in a row
	Latency    time.Duration `json:"latency"`        // average until answers
	Active     int64         `json:"active"`
	Max        int           `json:"max"` // connections
	Connecting int           `json:"connecting"`
	Waiting    int           `json:"waiting"`
	Conns      []ConnState   `json:"conns"`
	Recent     []Exchange    `json:"recent"` // newest first
}

// ConnState is the state of a connection.
type ConnState struct {
	Local   string        `json:"local"`
	State   string        `json:"state"` // idle, lent or own, which is one from DialContext
	Age     time.Duration `json:"age"`
	Idle    time.Duration `json:"idle"`
	Read    int64         `json:"read_bytes"`
	Written int64         `json:"written_bytes"`
	Answers int64         `json:"answers"`
	TLS     bool          `json:"tls"`
}

// State returns what is known now.
func (m *Manager) State() State {
	st := State{Decisions: m.log.recent()}
	st.Open, st.Max = m.quota.count()
	for svc := range m.each {
		st.Services = append(st.Services, svc.state())
	}
	slices.SortFunc(st.Services, func(a, b ServiceState) int { return cmp.Compare(a.Name, b.Name) })
	return st
}

func (s *service) state() ServiceState {
	st := ServiceState{
		Name: s.name, Aliases: s.conf.Aliases,
		Repeats: float64(s.budget.saved.Load()) / whole, HedgeAfter: time.Duration(s.hedgeAfter.Load()),
	}
	st.P50, _ = s.spread.quantile(0.5)
	st.P99, _ = s.spread.quantile(0.99)
	for _, src := range s.sources {
		src.mu.Lock()
		if src.err != nil {
			st.Errors = append(st.Errors, src.err.Error())
		}
		src.mu.Unlock()
	}
	for _, r := range s.live.Load().tiers {
		var tier TierState
		for _, e := range r.all {
			tier.Addresses = append(tier.Addresses, e.state())
		}
		st.Tiers = append(st.Tiers, tier)
	}
	return st
}

// Socket is a connection that is open, and what is known of it.
type Socket struct {
	Service string
	Address string
	ConnState

	// Conn is what the kernel knows of. Nobody but its borrower may read, write or
	// close it, or set a deadline.
	Conn net.Conn
}

// Sockets yields all connections that are open, for whoever wants to ask the
// kernel about them.
func (m *Manager) Sockets(yield func(Socket) bool) {
	for svc := range m.each {
		for e := range svc.all {
			for _, s := range e.sockets() {
				if !yield(s) {
					return
				}
			}
		}
	}
}

func (e *endpoint) sockets() []Socket {
	now := e.clock().now()
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Socket, 0, len(e.open))
	idle := make(map[*socket]bool, len(e.idle))
	for _, s := range e.idle {
		idle[s] = true
	}
	for s := range e.open {
		below := s.nc
		if t, ok := below.(*tls.Conn); ok {
			below = t.NetConn()
		}
		all = append(all, Socket{Service: e.svc.name, Address: e.String(), ConnState: s.state(now, idle[s]), Conn: below})
	}
	return all
}

func (e *endpoint) state() AddressState {
	now := e.clock().now()
	e.mu.Lock()
	defer e.mu.Unlock()
	st := AddressState{
		Address: e.String(), Weight: e.weight.Load(), State: e.condition().String(), Why: e.why,
		Since: e.clock().time(e.since), Failures: e.inRow, Active: e.active.Load(),
		Latency: time.Duration(e.latency.value() * float64(time.Second)),
		Warming: e.condition() == up && e.ramp.Load() != 0, Max: e.svc.conf.Pool.Max,
		Connecting: e.dialing, Waiting: len(e.waiting), Recent: e.recent.newestFirst(),
	}
	if e.condition() == down {
		st.Retry = e.clock().time(e.retry)
	}
	for s := range e.open {
		st.Conns = append(st.Conns, s.state(now, slices.Contains(e.idle, s)))
	}
	return st
}

func (s *socket) state(now instant, idle bool) ConnState {
	st := ConnState{
		Local: s.nc.LocalAddr().String(), State: "lent", Age: now.since(s.made), TLS: s.secure,
		Read: s.read.Load(), Written: s.written.Load(), Answers: s.answers.Load(),
	}
	switch {
	case s.fresh:
		st.State = "own"
	case idle:
		st.State, st.Idle = "idle", now.since(s.idle)
	}
	return st
}
