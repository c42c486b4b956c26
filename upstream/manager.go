package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/internal/tasks"
	"github.com/support-go/support/stats"
	"github.com/support-go/support/upstream/dns"
)

// Manager lends connections to services. The zero Manager is ready; it must
// not be copied, and its fields must be set before the first Add, but for Stats,
// Log and Propagate, for which it is early enough before the first connection.
// It is safe for concurrent use. Looking up, connecting and the goroutine that looks after
// everything begin with the first connection that is asked for; Close ends them.
type Manager struct {
	Stats *stats.Registry // of instruments named upstream.…; nil is fine
	Log   *slog.Logger    // of what is marked down and comes back; default slog.Default()
	Names dns.Cache       // what DNS has said

	// Max is how many connections there may be to all services together;
	// default half of what the limit of file descriptors was at the first Add.
	Max int

	// Egress, if not nil, is asked about each IP address before it is
	// connected to, and forbids it with an error. See PublicOnly.
	Egress func(netip.Addr) error

	// Dial, if not nil, connects in place of a net.Dialer. It is given "tcp"
	// with an IP address and port, or "unix" with a path.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Propagate, if not nil, puts into h what Transport is to send with a
	// request of that ctx, such as the id and trace of the request that is
	// being handled. What the request says itself stays. In a group it is by
	// default access.Propagate.
	Propagate func(ctx context.Context, h http.Header)

	clock clock
	tasks tasks.Group
	quota quota
	once  sync.Once // starts what looks after everything
	ids   atomic.Uint64
	held  atomic.Int64 // bytes of payload that are kept
	log   log

	mu       sync.Mutex // guards changes of services
	services atomic.Pointer[map[string]*service]
	web      atomic.Pointer[Transport]
}

// Add makes a service known by a name. It fails, and says everything that is
// wrong, if the service makes no sense or one of its names is taken. It looks
// nothing up and connects to nothing.
func (m *Manager) Add(name string, conf Service) error {
	if err := conf.check(); err != nil {
		return fmt.Errorf("upstream: service %q: %w", name, err)
	}
	if name == "" {
		return errors.New("upstream: a service needs a name")
	}
	conf.setDefaults()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tasks.Closed() {
		return ErrClosed
	}
	all := make(map[string]*service)
	if old := m.services.Load(); old != nil {
		maps.Copy(all, *old)
	}
	m.readyLocked()
	svc := newService(m, name, conf)
	for _, n := range append([]string{name}, conf.Aliases...) {
		if other := all[n]; other != nil {
			return fmt.Errorf("upstream: service %q: the name %q is taken by service %q", name, n, other.name)
		}
		all[n] = svc
	}
	m.services.Store(&all)
	return nil
}

// readyLocked readies the Manager, once.
func (m *Manager) readyLocked() {
	if !m.clock.base.IsZero() {
		return
	}
	m.clock.base = time.Now()
	m.quota.most = m.Max
	if m.Max <= 0 {
		m.quota.most = max(16, descriptorLimit()/2)
	}
	m.log.decisions = newRing[Decision](recentDecisions)
}

// begin starts what looks after everything.
func (m *Manager) begin() {
	m.once.Do(func() { m.tasks.Go(0, m.tend) })
}

// service returns the service of that name, or nil.
func (m *Manager) service(name string) *service {
	all := m.services.Load()
	if all == nil {
		return nil
	}
	return (*all)[name]
}

// each yields each service once.
func (m *Manager) each(yield func(*service) bool) {
	all := m.services.Load()
	if all == nil {
		return
	}
	for name, svc := range *all {
		if name == svc.name && !yield(svc) {
			return
		}
	}
}

// unknown is the error for a name that no service has.
func (m *Manager) unknown(name string) error {
	if m.tasks.Closed() {
		return &Error{Service: name, Err: ErrClosed}
	}
	return &Error{Service: name, Err: fmt.Errorf("%w; add it to the Manager first", ErrUnknown)}
}

// cullOldest closes the connection that has been idle for longest, of any
// service. It returns false if none is idle.
func (m *Manager) cullOldest() bool {
	var oldest *endpoint
	var since instant
	for svc := range m.each {
		for e := range svc.all {
			if idle := e.oldestIdle(); idle != 0 && (oldest == nil || idle < since) {
				oldest, since = e, idle
			}
		}
	}
	return oldest != nil && oldest.cullOldest(0, causeCulled)
}

// Close closes what is idle, has what is lent closed when it comes back, ends
// HTTP requests, look-ups and connecting, and waits for them. Later calls fail
// with ErrClosed.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.tasks.Close()
	m.mu.Unlock()
	if t := m.web.Load(); t != nil {
		t.closeIdle()
	}
	err := m.Names.Close()
	for svc := range m.each {
		for e := range svc.all {
			e.retire()
			e.closeWeb()
		}
		if svc.begun.Load() {
			svc.collect()
		}
	}
	return err
}

// misused counts a mistake of a borrower.
func (m *Manager) misused(e *endpoint, what string) {
	e.svc.instruments.misuse.Add(1)
	e.svc.decide(e, DecideMisuse, "a connection was "+what)
}

// PublicOnly is a Manager.Egress that lets connections go to the public
// internet only: not to this host, this network, or where cloud providers keep
// credentials.
func PublicOnly(ip netip.Addr) error {
	if ip = ip.Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() || sharedSpace().Contains(ip) {
		return fmt.Errorf("%v is not a public address", ip)
	}
	return nil
}

// sharedSpace is what carriers use inside (RFC 6598).
func sharedSpace() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)
}
