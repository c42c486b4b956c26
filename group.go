// Package support turns handlers into a service that survives crashes, drains
// before it goes, reloads without losing a request, and tells what it is doing.
//
//	func main() {
//		group := support.New("hello")
//		group.Workers = 2
//		group.HTTP("127.0.0.1:8888", handler)
//		group.Meta("127.0.0.1:8889")
//		support.Main(group)
//	}
//
// A [Group] is a set of servers that start and stop together. With Workers at
// 0 they run in the calling process. With more, that process becomes a
// supervisor, which starts the same program again as its workers: everything
// before [Group.Run] or [Main] happens in each of them, and what must not
// happen in the supervisor belongs into Setup.
package support

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/logs"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/objects"
	"github.com/support-go/support/offload"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/pressure"
	"github.com/support-go/support/stats"
	"github.com/support-go/support/upstream"
)

// Group is a set of servers that start, serve and stop together. Its fields
// and servers must not change once Run has been called, and Run may be called
// once. A program can have any number of groups without workers, and one with.
type Group struct {
	Name    string // of the service, in logs, paths and on the page
	Workers int    // processes that serve; 0 means this one alone

	// Setup runs in each process that serves, before it accepts anything. If it
	// fails, so does the process. Its ctx ends, and the clean-up that it returns
	// (which may be nil) is called, when the last request has been served; the
	// clean-up's own ctx ends with the grace time, but not before 5 s, unless
	// Kill is called. If the group is stopped while Setup runs, ctx ends at once.
	Setup func(ctx context.Context) (cleanup func(context.Context) error, err error)

	// Admit says how many requests run at once in each process, over all of its
	// servers. Its zero value finds that out.
	Admit admit.Limits

	// Pressure says when a process is short of memory, CPU or descriptors. It closes
	// idle connections then, sheds requests by their class, or takes nothing new.
	Pressure pressure.Watch

	Drain  Drain          // how long a stop or reload may take
	Limits prefork.Limits // how long the supervisor waits for a worker
	Dir    string         // for control sockets; default prefork.RuntimeDir(Name)
	Args   []string       // of the workers, the program's name first; default os.Args
	Log    *slog.Logger   // default what Logs says if Main runs the group, else slog.Default()
	Logs   Logs           // how Main logs

	// Levels decide which records of this process are written, and Recent has the
	// last of its lines, if Main logs. Operators find both on Meta. With a Log of
	// your own, build them into its handler.
	Levels logs.Levels
	Recent logs.Ring

	// Stats are the statistics of this process. Those of all processes of the
	// group, the ended ones too, are added up for Meta and Metrics. A Secret that
	// is not set becomes one of the whole group in Run: add to Cardinalities only
	// from then on.
	Stats stats.Registry

	// CPU and IO are lanes for work of handlers that computes for longer than a
	// millisecond, and for calls that block a thread: opaque C clients, files
	// on a network. Their sizes are GOMAXPROCS - 1, at least 1, and 32 jobs at
	// once in each process; set their fields for others. They get the group's
	// Log and Stats, from Setup on.
	CPU, IO offload.Pool

	// Upstream lends connections to other services. Add them before Run, or in
	// Setup. It takes Stats and Log of the group unless it has its own, and is
	// closed when the last request has been served.
	Upstream upstream.Manager

	servers []*Server
	admin   []*Server // meta, probe and metrics, which stay up until the others are done
	pages   []meta.Page

	commands []meta.Command
	objects  []objects.Root
	console  bool
	evaluate meta.Evaluate

	logging *logging // if Main has set it up
	once    sync.Once
	ready   chan struct{}
	running atomic.Bool   // Run has been called
	done    chan struct{} // closed when Run returns
	halt    chan struct{} // asks for an end at once; closed by Kill
	leave   chan string   // asks a group that is one process to drain, and says why
	killed  sync.Once
	sup     *prefork.Supervisor
	gate    atomic.Pointer[admit.Gate]
	serving atomic.Pointer[process] // that gate is of
}

// Drain says how a process goes. Zero fields take the defaults.
type Drain struct {
	// Delay is how long a group that stops goes on accepting while its readiness
	// is off already, for load balancers that look only now and then. Default 0.
	// A reload has no delay: other workers accept.
	Delay time.Duration

	// LameDuck is how long a kept connection without a request stays open, so
	// that a request that is on its way is answered, with "Connection: close".
	// Default 5 s; it is over as soon as no connection is left.
	LameDuck time.Duration

	// Grace is how long requests, streams and hijacked connections may take to
	// end, LameDuck included. What is left then is closed and counted. Default
	// 30 s.
	Grace time.Duration
}

func (d Drain) withDefaults() Drain {
	d.LameDuck = cmp.Or(d.LameDuck, 5*time.Second)
	d.Grace = cmp.Or(d.Grace, 30*time.Second)
	d.LameDuck = min(d.LameDuck, d.Grace)
	return d
}

// New returns a group of that name, without servers.
func New(name string) *Group { return &Group{Name: name} }

// HTTP adds a server for HTTP/1.1 and HTTP/2 at an address, see Server.Listen.
func (g *Group) HTTP(address string, handler http.Handler) *Server {
	return g.Add(&Server{Listen: address, Handler: handler})
}

// Stream adds a server that calls serve, on a goroutine of its own, for each
// connection at an address, see Server.Listen and Server.Stream.
func (g *Group) Stream(address string, serve func(ctx context.Context, conn net.Conn) error) *Server {
	return g.Add(&Server{Listen: address, Stream: serve})
}

// Packet adds a server that calls handle for each datagram at an address, see
// Server.Listen and Server.Packet.
func (g *Group) Packet(address string, handle func(ctx context.Context, p *Packet) error) *Server {
	return g.Add(&Server{Listen: address, Packet: handle})
}

// Add adds a server and returns it.
func (g *Group) Add(s *Server) *Server {
	g.servers = append(g.servers, s)
	return s
}

// Meta adds the pages on which the group shows itself, to people and programs.
// On a loopback address or a unix socket anybody who can connect may look, and
// who sends the token in the file operator.token of the group's directory may
// act; Server.Access changes that. Any other address needs TLS and an Access
// that lets in nobody who does not say who he is. With workers, a process of
// its own answers, which does when the workers are too busy to.
//
// Besides, it answers /status.json with all that is known of the group's processes,
// /metrics as Metrics does, and /livez and /readyz as Probe does.
func (g *Group) Meta(address string) *Server {
	s := &Server{Listen: address, role: metaRole, meta: true, metrics: true}
	g.admin = append(g.admin, s)
	return s
}

// Probe adds a server for whoever watches from elsewhere, such as a kubelet:
// /livez is 200 as long as the group is alive, and /readyz as long as it wants
// work and a worker can take it, else 503 with the reason. It answers nothing
// else, and to anybody.
func (g *Group) Probe(address string) *Server {
	s := &Server{Listen: address, role: metaRole}
	g.admin = append(g.admin, s)
	return s
}

// Metrics adds a server that answers /metrics with the statistics of the whole
// group, in the formats of Prometheus, beside what Probe answers. It answers
// anybody: choose an address that only those can reach who may know.
func (g *Group) Metrics(address string) *Server {
	s := &Server{Listen: address, role: metaRole, metrics: true}
	g.admin = append(g.admin, s)
	return s
}

// metaRole is that of the helper process which serves Meta and Probe.
const metaRole = "meta"

// all gives every server of the group.
func (g *Group) all() []*Server {
	return append(append([]*Server(nil), g.servers...), g.admin...)
}

// label tells apart the servers that listen on any port that is free, in the
// same way in each process.
func (g *Group) label() {
	seen := make(map[string]int)
	for _, s := range g.all() {
		s.label = s.name()
		if seen[s.label]++; s.Name == "" && s.anyPort() && seen[s.label] > 1 {
			s.label = fmt.Sprintf("%s (%d)", s.label, seen[s.label])
		}
	}
}

func (g *Group) init() {
	g.once.Do(func() {
		g.ready = make(chan struct{})
		g.done = make(chan struct{})
		g.halt = make(chan struct{})
		g.leave = make(chan string, 1) // so that whoever asks does not wait
	})
}

// Ready is closed when all servers accept connections in all processes. From
// then on Server.Addr is known. It stays open if Run fails before that.
func (g *Group) Ready() <-chan struct{} {
	g.init()
	return g.ready
}

// logger is where the group logs, under its name unless the whole process is its
// own.
func (g *Group) logger() *slog.Logger {
	if g.logging != nil {
		return g.Log
	}
	return cmp.Or(g.Log, slog.Default()).With("group", g.Name)
}

// supervised says whether this group runs workers on this system.
func (g *Group) supervised() bool { return g.Workers > 0 && prefork.Supported }

// sockets are those of all servers, as a supervisor wants them.
func (g *Group) sockets() []prefork.Socket {
	var sockets []prefork.Socket
	for _, s := range g.all() {
		sockets = append(sockets, prefork.Socket{Socket: s.socket(), Role: cmp.Or(s.role, prefork.WorkerRole)})
	}
	return sockets
}

func (s *Server) socket() bind.Socket {
	network, address := bind.Parse(s.Listen)
	if s.datagrams() {
		network = bind.Datagram(network)
	}
	return bind.Socket{
		Name: s.name(), Network: network, Address: address,
		Mode: s.Socket.Mode, Backlog: s.Socket.Backlog, Buffer: s.Packets.Buffer,
	}
}
