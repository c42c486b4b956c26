package support

import (
	"cmp"
	"context"
	"crypto/tls"
	"io/fs"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/requests"
)

// Server answers at one address. Exactly one of Handler, Stream, Serve, Packet
// and ServePacket says how.
type Server struct {
	// Listen is where: "host:port" (port 0 for any that is free), "unix:/path",
	// or "fd:name" for a socket that systemd, or another service manager that
	// speaks its protocol, has passed under that name. Required.
	//
	// With Packet or ServePacket, "host:port" is one of UDP, and the others are
	// sockets for datagrams.
	//
	// The file of a unix socket whose server has died is replaced; the place of
	// a live one is not taken.
	Listen string
	Name   string // in logs and statistics, unique in the group; default Listen, of UDP with "udp:" before it

	// Handler answers HTTP/1.1 and HTTP/2, the latter also without TLS if the
	// client knows beforehand that it may.
	Handler http.Handler

	// Stream serves one connection and returns when it is done with it; the
	// connection is closed then. Its ctx ends when the grace time of a drain is
	// over: a loop that waits for messages should watch Draining(ctx) as well.
	// An error is logged.
	Stream func(ctx context.Context, conn net.Conn) error

	// Serve is for anything else that has a listener, such as a gRPC server. It
	// returns when ctx has ended and it is done with its connections; ctx ends
	// when the server is to drain, before ln gives out.
	Serve func(ctx context.Context, ln net.Listener) error

	// Packet is called for each datagram, on a goroutine of its own, of which
	// Packets bounds the number. Its ctx ends when the grace time of a drain is
	// over. An error is logged, now and then; so is a panic.
	Packet func(ctx context.Context, p *Packet) error

	// ServePacket is for anything else that reads datagrams, such as a DNS
	// server. It returns when ctx has ended and it has answered what it has
	// read; ctx ends when the server is to drain, before conn gives out. From
	// then on ReadFrom fails with net.ErrClosed, and WriteTo works until it
	// returns.
	ServePacket func(ctx context.Context, conn net.PacketConn) error

	// TLS has connections encrypted. The group takes a copy, and offers HTTP/2
	// if NextProtos is nil and there is a Handler.
	TLS *tls.Config

	HTTP     HTTP     // bounds for Handler
	Overload Overload // what Handler's server does with too much
	Packets  Packets  // bounds for Packet
	Socket   Socket   // options of the listening socket

	Access meta.Access // of Meta's server: who may see and do what; see Group.Meta

	label   string // what name returns, once Run has been called
	role    string // of the process that serves it; default worker
	meta    bool   // shows everything
	metrics bool   // shows the statistics
	addr    atomic.Value

	requests atomic.Pointer[requests.Recorder]
}

// HTTP bounds what a client can ask a Handler's server to put up with. Zero
// fields take the defaults. There is no bound on the time that a body or an
// answer takes, as streams may last, but a client must not keep the server
// waiting for it: see Stall.
type HTTP struct {
	HeaderTimeout time.Duration // for a TLS handshake, and for a request's header; default 10 s
	IdleTimeout   time.Duration // between two requests; default 75 s
	HeaderBytes   int           // of a request; default 64 KiB
	Streams       int           // at once on one HTTP/2 connection; default 100

	// BodyBytes is how long the body of a request may be; default any length. What
	// is announced to be longer is answered with 413 before the handler sees it,
	// and what turns out to be is a *http.MaxBytesError of the handler's Read. It
	// counts what is sent: who decompresses a body has to bound what comes out.
	BodyBytes int64

	// Stall is the longest time in which a client must take or give 1 KiB while
	// something waits for it; default 30 s; below 0 never. A connection on which
	// a write waits for longer is closed; a handler that waits in the Read of a
	// body gets os.ErrDeadlineExceeded. Silence is no stall while neither waits.
	// The body of a gRPC request is half of a conversation, and may be silent;
	// a hijacked connection may be too, but must take what is written to it.
	// Over HTTP/2 frames that belong to no request are no sign of life, and who
	// sends more than 1 MiB of them, and then 64 KiB a second, is closed.
	Stall time.Duration

	// Slow is how many requests may wait at once for clients that take or give less
	// than 16 KiB in two seconds; default a quarter of those that may run; below 0
	// any number. Of more, those end that have waited for longest, of whoever has
	// most of them. If Stall is off, so is this.
	Slow int
}

func (h HTTP) withDefaults() HTTP {
	h.HeaderTimeout = cmp.Or(h.HeaderTimeout, 10*time.Second)
	h.IdleTimeout = cmp.Or(h.IdleTimeout, 75*time.Second)
	h.HeaderBytes = cmp.Or(h.HeaderBytes, 64<<10)
	h.Streams = cmp.Or(h.Streams, 100)
	h.Stall = cmp.Or(h.Stall, 30*time.Second)
	return h
}

// Socket has the options of a listening socket. Zero fields take the defaults.
type Socket struct {
	Mode    fs.FileMode // of a unix socket's file; default by the umask
	Backlog int         // connections that the kernel holds for us; default 1024
}

// Addr is the address on which the server listens, or nil before the group is
// ready.
func (s *Server) Addr() net.Addr {
	a, _ := s.addr.Load().(address)
	return a.Addr
}

// Requests is what records the requests to Handler in this process: those that
// run, which it can cancel, and those of late. It is nil unless the server
// serves HTTP in this process.
func (s *Server) Requests() *requests.Recorder { return s.requests.Load() }

// record returns the Handler with its requests recorded. What a group shows of
// itself is not among them.
func (s *Server) record(p *process, server *http.Server) http.Handler {
	if s.role == metaRole {
		return s.Handler
	}
	recorder := requests.New(requests.Config{Server: s.shown()}, &p.group.Stats)
	recorder.Hook(server)
	s.requests.Store(recorder)
	return recorder.Handler(p.waited(s.Handler))
}

// address makes all kinds of net.Addr one kind, as atomic.Value wants it.
type address struct{ net.Addr }

func (s *Server) name() string {
	if network, _ := bind.Parse(s.Listen); network == "tcp" && s.datagrams() {
		return cmp.Or(s.label, s.Name, "udp:"+s.Listen)
	}
	return cmp.Or(s.label, s.Name, s.Listen)
}

// datagrams says whether s takes these, rather than connections.
func (s *Server) datagrams() bool { return s.Packet != nil || s.ServePacket != nil }

// shown is the name that statistics and pages show: with the port that the
// kernel has chosen, once it has, if the server has no other name.
func (s *Server) shown() string {
	if addr := s.Addr(); s.Name == "" && s.anyPort() && addr != nil {
		return addr.String()
	}
	return s.name()
}

// anyPort says whether the kernel chooses the port.
func (s *Server) anyPort() bool {
	network, address := bind.Parse(s.Listen)
	_, port, err := net.SplitHostPort(address)
	return err == nil && network == "tcp" && port == "0"
}

// tlsConfig is a copy of TLS that offers what the server can speak.
func (s *Server) tlsConfig() *tls.Config {
	config := s.TLS.Clone()
	if config.NextProtos == nil && s.Handler != nil {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return config
}
