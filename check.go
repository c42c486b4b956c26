package support

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/prefork"
)

// ErrConfig is the error of a group that cannot run as it is configured. Run
// returns it before anything has been started, with all that is wrong.
var ErrConfig = errors.New("support: configuration")

// check finds everything that is wrong with the group.
func (g *Group) check() error {
	var problems []error
	if len(g.servers) == 0 {
		problems = append(problems, errors.New("no servers: call HTTP, Stream, Packet or Add"))
	}
	if g.Workers < 0 {
		problems = append(problems, fmt.Errorf("field Workers is %d: want 0 to serve in this process, or more for worker processes", g.Workers))
	}
	if a := g.Admit; min(a.Cores, a.Running, a.InFlight) < 0 {
		problems = append(problems, fmt.Errorf("limits Admit.Cores %d, Running %d, InFlight %d: want numbers above 0, or 0 for the default", a.Cores, a.Running, a.InFlight))
	}
	problems = append(problems, g.supervisor(max(g.Workers, 1)).Check())
	problems = append(problems, durations("Drain", map[string]time.Duration{
		"Delay": g.Drain.Delay, "LameDuck": g.Drain.LameDuck, "Grace": g.Drain.Grace,
	}))
	for _, s := range g.all() {
		if err := s.check(); err != nil {
			problems = append(problems, fmt.Errorf("server %s: %w", s.name(), err))
		}
	}
	problems = append(problems, g.collisions(), g.checkCommands(), g.checkObjects())
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// checkCommands finds commands that could not be given.
func (g *Group) checkCommands() error {
	var problems []error
	seen := make(map[string]bool)
	for _, c := range (&panorama{group: g, dir: "any"}).commands() {
		problems = append(problems, c.Check())
		if seen[c.Name] {
			problems = append(problems, fmt.Errorf("command %q: there are two of that name", c.Name))
		}
		seen[c.Name] = true
	}
	return errors.Join(problems...)
}

// collisions finds two servers on one address.
func (g *Group) collisions() error {
	var problems []error
	all := g.all()
	for i, s := range all {
		for _, earlier := range all[:i] {
			if s.socket().Collides(earlier.socket()) {
				problems = append(problems, fmt.Errorf("two servers listen on %s, the other one as %s", s.Listen, earlier.Listen))
			}
		}
	}
	return errors.Join(problems...)
}

func (s *Server) check() error {
	var problems []error
	ways := 0
	for _, has := range []bool{s.Handler != nil, s.Stream != nil, s.Serve != nil, s.Packet != nil, s.ServePacket != nil} {
		if has {
			ways++
		}
	}
	switch {
	case s.role != "":
	case ways == 0:
		problems = append(problems, errors.New("no handler: set Handler, Stream, Serve, Packet or ServePacket"))
	case ways > 1:
		problems = append(problems, fmt.Errorf("%d of Handler, Stream, Serve, Packet and ServePacket are set: want one", ways))
	}
	if s.TLS != nil && len(s.TLS.Certificates) == 0 && s.TLS.GetCertificate == nil && s.TLS.GetConfigForClient == nil {
		problems = append(problems, errors.New("TLS has no certificate"))
	}
	if s.TLS != nil && s.datagrams() {
		problems = append(problems, errors.New("TLS is set, and datagrams cannot carry it"))
	}
	if s.meta && !private(s.Listen) {
		problems = append(problems, s.checkExposed())
	}
	problems = append(problems, durations("HTTP", map[string]time.Duration{
		"HeaderTimeout": s.HTTP.HeaderTimeout, "IdleTimeout": s.HTTP.IdleTimeout,
		"Stall": max(s.HTTP.Stall, 0), // below, it means never
	}))
	if n := s.HTTP.HeaderBytes; n < 0 || n > maxHeaderBytes {
		problems = append(problems, fmt.Errorf("HTTP.HeaderBytes is %d: want at most %d", n, maxHeaderBytes))
	}
	if n := s.HTTP.BodyBytes; n < 0 {
		problems = append(problems, fmt.Errorf("HTTP.BodyBytes is %d: want a number of bytes, or 0 for any", n))
	}
	if n := s.HTTP.Streams; n < 0 || n > maxStreams {
		problems = append(problems, fmt.Errorf("HTTP.Streams is %d: want at most %d", n, maxStreams))
	}
	if n := s.Socket.Backlog; n < 0 || n > maxBacklog {
		problems = append(problems, fmt.Errorf("Socket.Backlog is %d: want at most %d", n, maxBacklog))
	}
	problems = append(problems, s.Packets.check())
	return errors.Join(problems...)
}

func (p Packets) check() error {
	var problems []error
	for _, field := range []struct {
		name    string
		n, most int
	}{{"Handlers", p.Handlers, maxHandlers}, {"Size", p.Size, maxPacket}, {"Buffer", p.Buffer, maxBuffer}} {
		if field.n < 0 || field.n > field.most {
			problems = append(problems, fmt.Errorf("field Packets.%s is %d: want at most %d", field.name, field.n, field.most))
		}
	}
	return errors.Join(problems...)
}

// checkExposed says what Meta lacks to be shown to other machines.
func (s *Server) checkExposed() error {
	switch {
	case s.TLS == nil:
		return errors.New("meta shows what nobody else should see: want a loopback address or a unix socket, or else TLS, and an Access with Tokens or Who")
	case s.Access.Anybody != meta.Nobody:
		return errors.New("the Anybody of Access would let in whoever reaches this address: want Tokens or Who, and no Anybody")
	case s.Access.Who == nil && len(s.Access.Tokens) == 0:
		return errors.New("nobody may see meta: want Access with Tokens or Who")
	}
	return nil
}

// Beyond these a bound does not bound anything.
const (
	maxHeaderBytes = 16 << 20
	maxStreams     = 1 << 20
	maxBacklog     = 1 << 20
	maxHandlers    = 1 << 20
	maxPacket      = 16 << 20 // of a unix socket; none of UDP comes near it
	maxBuffer      = 1 << 30
	maxDuration    = 30 * 24 * time.Hour
)

// private says whether only this machine can reach the address.
func private(listen string) bool {
	network, address := bind.Parse(listen)
	if network != "tcp" {
		return network == "unix"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return true // malformed, which is another problem's message
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func durations(of string, fields map[string]time.Duration) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if d := fields[name]; d < 0 || d > maxDuration {
			problems = append(problems, fmt.Errorf("%s.%s is %v: want a duration from 0, which means the default, to %v", of, name, d, maxDuration))
		}
	}
	return errors.Join(problems...)
}

// supervisor is the supervisor that the group needs for a number of workers.
func (g *Group) supervisor(workers int) *prefork.Supervisor {
	s := &prefork.Supervisor{
		Name: g.Name, Workers: workers, Sockets: g.sockets(),
		Limits: g.Limits, Dir: g.Dir, Args: g.Args, Log: g.logger(), SetLevel: g.setLevel,
	}
	if g.logging != nil {
		s.Output = g.logging.take
	}
	if len(g.admin) > 0 {
		s.Helpers = []string{metaRole}
	}
	if s.Limits.Drain == 0 {
		d := g.Drain.withDefaults()
		s.Limits.Drain = d.Delay + d.Grace + leaving
	}
	return s
}

// leaving is the time that a worker has to close what is left, clean up and
// exit after its grace time.
const leaving = 10 * time.Second
