package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Service says where a service is and how to treat it. Only Tiers is required;
// zero fields take defaults. It must not be changed once it has been added.
type Service struct {
	// Aliases are other names by which the service is known.
	Aliases []string

	// Tiers are tried in order: the second serves when no address of the first
	// is up.
	Tiers []Tier

	// TLS, if not nil, has connections speak TLS. ServerName defaults to the
	// host of each address. The configuration is cloned. InsecureSkipVerify is
	// refused unless VerifyConnection or VerifyPeerCertificate is set.
	TLS *tls.Config

	Timeouts Timeouts
	Pool     Pool
	Health   Health
	Retry    Retry
	Traffic  Traffic
}

// Tier is a set of addresses that share the load. One of its fields says where
// they come from; Addresses may stand beside any other.
type Tier struct {
	Addresses []Address

	// SRV is a name whose SRV records are the addresses, such as
	// "_redis._tcp.example.net".
	SRV string

	// File has an address a line, with a weight behind it if it is not 1;
	// # begins a comment. It is read again when it changes. As long as it
	// cannot be read, what was read last is used.
	File string

	// Func returns the addresses. It is called again every Refresh; as long as
	// it fails, what it returned last is used.
	Func func(ctx context.Context) ([]Address, error)

	// Refresh is how often names are looked up again, a file is looked at and
	// Func called; default 10 s, of a file 1 s.
	Refresh time.Duration
}

// Address is a place at which a service may be.
type Address struct {
	Addr     string // host:port, or unix: and a path; a host name is all addresses that DNS has for it
	Weight   int    // its share of the tier's load; default 1
	Priority int    // in a tier, the lowest serves first; as in SRV records
}

// At returns a tier of fixed addresses of the same weight.
func At(addresses ...string) Tier {
	var t Tier
	for _, a := range addresses {
		t.Addresses = append(t.Addresses, Address{Addr: a})
	}
	return t
}

// Timeouts bound the steps of an exchange. Zero fields take the default, which
// is tighter for an address that is near: of this host, or private (RFC 1918,
// RFC 4193, link-local, unix sockets). The deadline of a context holds beside
// them.
type Timeouts struct {
	Lookup    time.Duration // of a name; default 2 s
	Connect   time.Duration // default 3 s, near 500 ms
	Handshake time.Duration // of TLS; default 5 s, near 1 s

	// Response is how long a read may wait, from its start or from the last
	// write, whichever is later; it may take an eighth longer. Negative means
	// for ever. Default 30 s, near 10 s.
	Response time.Duration

	// Stagger is how long to wait for a connection before the next address is
	// tried beside it. Default 250 ms, near 50 ms.
	Stagger time.Duration

	// Call bounds a whole Call or HTTP exchange, repetitions and the reading of
	// the body included; default none.
	Call time.Duration
}

// Pool says how connections are kept. Zero fields take defaults.
type Pool struct {
	Max        int           // connections to an address, lent ones included; default 256
	Idle       int           // connections to an address that are kept while idle; default 64
	Connecting int           // connections to an address that are being made at once; default 16
	IdleTime   time.Duration // after which an idle connection is closed; default 60 s
	MaxAge     time.Duration // after which a connection is not lent again, less up to a tenth by chance; default 15 min

	// AlwaysCheck has the kernel asked before each Get whether an idle
	// connection has been closed or has bytes nobody asked for. Otherwise that
	// is left out within a millisecond after a read that emptied it.
	AlwaysCheck bool
}

// Health says when an address is marked down and for how long. Zero fields
// take defaults.
type Health struct {
	Failures int           // in a row, or two of them a second apart; default 5
	Share    float64       // of failures among the exchanges of some 10 s, if there are 20; default 0.5
	Down     time.Duration // until the first probe; doubles each time; default 1 s, less up to a fifth by chance
	MaxDown  time.Duration // default 30 s
	Ramp     time.Duration // from the return of an address to its full share; default 2 s, negative for none

	// Cap is the share of a tier that may be marked down while connections
	// succeed, when it is the last tier or some exchanges succeed too: many
	// addresses that fail so at once are rather the fault of what they are
	// asked. Default 0.5.
	Cap float64

	// Panic is the share of a tier: if fewer addresses of the last tier are
	// up, those to which connections succeed are used all the same, rather
	// than leave all the load to the rest. Default 0.3.
	Panic float64

	// Probe asks over a fresh connection whether the address works again. It
	// must read all of the answer. Without it, a connection is enough after a
	// failure to connect; after others, one call at a time is let through.
	Probe func(ctx context.Context, conn *Conn) error
}

// Retry says how a Call or an HTTP request is repeated. Zero fields take
// defaults. What cannot be repeated safely goes through Get, or is no HTTP
// method that may be.
type Retry struct {
	Attempts int     // in all, hedges included; default 3; 1 for none but the first
	Budget   float64 // repetitions for each success, on average; default 0.1
	Burst    int     // repetitions that can be saved up; default 100, of which a tenth at the start

	// HedgeAt is a quantile of the time that answers take: of a call that
	// takes longer, a second one is made beside it. 0.97 is a good value;
	// default 0 for none.
	HedgeAt float64
}

// Traffic says what is kept of recent exchanges to be looked at. Metadata
// always is.
type Traffic struct {
	Payload int // bytes kept of each direction of an exchange, at most 4096; default 0

	// Mask replaces what must not be seen; it may change payload. Default:
	// letters become x and digits 0.
	Mask func(payload []byte) []byte
}

func orDefault[T cmp.Ordered](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (s *Service) setDefaults() {
	orDefault(&s.Timeouts.Lookup, 2*time.Second)
	orDefault(&s.Pool.Max, 256)
	orDefault(&s.Pool.Idle, 64)
	orDefault(&s.Pool.Connecting, 16)
	orDefault(&s.Pool.IdleTime, time.Minute)
	orDefault(&s.Pool.MaxAge, 15*time.Minute)
	orDefault(&s.Health.Failures, 5)
	orDefault(&s.Health.Share, 0.5)
	orDefault(&s.Health.Down, time.Second)
	orDefault(&s.Health.MaxDown, 30*time.Second)
	orDefault(&s.Health.Ramp, 2*time.Second)
	orDefault(&s.Health.Cap, 0.5)
	orDefault(&s.Health.Panic, 0.3)
	orDefault(&s.Retry.Attempts, 3)
	orDefault(&s.Retry.Budget, 0.1)
	orDefault(&s.Retry.Burst, 100)
	s.Traffic.Payload = min(s.Traffic.Payload, maxPayload)
	if s.Traffic.Mask == nil {
		s.Traffic.Mask = maskAll
	}
	if s.TLS != nil {
		s.TLS = s.TLS.Clone()
	}
}

// forAddress returns the time-outs with the defaults for an address.
func (t Timeouts) forAddress(near bool) Timeouts {
	def := Timeouts{Connect: 3 * time.Second, Handshake: 5 * time.Second, Response: 30 * time.Second, Stagger: 250 * time.Millisecond}
	if near {
		def = Timeouts{Connect: 500 * time.Millisecond, Handshake: time.Second, Response: 10 * time.Second, Stagger: 50 * time.Millisecond}
	}
	orDefault(&t.Connect, def.Connect)
	orDefault(&t.Handshake, def.Handshake)
	orDefault(&t.Response, def.Response)
	orDefault(&t.Stagger, def.Stagger)
	return t
}

// check returns everything that is wrong with a service.
func (s *Service) check() error {
	var wrong []error
	if len(s.Tiers) == 0 {
		wrong = append(wrong, errors.New("it has no Tiers; give at least one, as with At"))
	}
	for i, t := range s.Tiers {
		if err := t.check(); err != nil {
			wrong = append(wrong, fmt.Errorf("tier %d: %w", i+1, err))
		}
	}
	if c := s.TLS; c != nil && c.InsecureSkipVerify && c.VerifyConnection == nil && c.VerifyPeerCertificate == nil {
		wrong = append(wrong, errors.New("TLS.InsecureSkipVerify trusts anybody; set RootCAs, or VerifyConnection to check a pinned key"))
	}
	for name, share := range map[string]float64{"Health.Share": s.Health.Share, "Health.Cap": s.Health.Cap, "Health.Panic": s.Health.Panic, "Retry.HedgeAt": s.Retry.HedgeAt} {
		if !(share >= 0 && share <= 1) {
			wrong = append(wrong, fmt.Errorf("%s is %v; give a share between 0 and 1", name, share))
		}
	}
	return errors.Join(wrong...)
}

func (t Tier) check() error {
	sources := 0
	for _, set := range []bool{t.SRV != "", t.File != "", t.Func != nil} {
		if set {
			sources++
		}
	}
	if sources > 1 {
		return errors.New("give one of SRV, File and Func; further ones in tiers of their own")
	}
	if sources == 0 && len(t.Addresses) == 0 {
		return errors.New("it has no address")
	}
	for _, a := range t.Addresses {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

func (a Address) check() error {
	if a.Weight < 0 {
		return fmt.Errorf("address %q has weight %d; give at least 1, or leave the address out", a.Addr, a.Weight)
	}
	if path, ok := strings.CutPrefix(a.Addr, unixPrefix); ok {
		if path == "" {
			return fmt.Errorf("address %q has no path", a.Addr)
		}
		return nil
	}
	host, port, err := net.SplitHostPort(a.Addr)
	if err != nil {
		return fmt.Errorf("address %q: give host:port or unix:/path: %w", a.Addr, err)
	}
	if host == "" || port == "" {
		return fmt.Errorf("address %q: give both host and port", a.Addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("address %q: %w", a.Addr, err)
	}
	return nil
}

const unixPrefix = "unix:"
