package support

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/track"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/pressure"
)

// process serves some of a group's servers in this process.
type process struct {
	group *Group
	log   *slog.Logger
	page  *ledger.Page
	gate  *admit.Gate // nil if nothing passes it

	worker *prefork.Worker // nil without a supervisor
	short  atomic.Pointer[pressure.Reading]

	posts   []*post // of all servers
	units   []*unit
	packets []*packetUnit

	end      context.CancelCauseFunc // ends everything that serves
	stopping atomic.Bool             // no more work is wanted, though some may be accepted yet
	draining chan struct{}           // closed when draining begins
	leaving  atomic.Bool             // the same, for each request to look at
	failed   chan error              // from units that end by themselves; room for all
	cleanup  cleanup
	watches  sync.WaitGroup // for clients that stand still, until end
}

// cleanup is what Setup returns, or nil.
type cleanup = func(context.Context) error

// post is a server of a process, whatever it serves.
type post struct {
	server *Server
	begun  <-chan struct{}             // closed once it takes what comes
	run    func(context.Context) error // until it is told to stop
	served chan struct{}               // closed unless run runs
}

// unit is a server that takes connections.
type unit struct {
	*post
	queue *accept.Queue
	ln    *track.Listener
	speak protocol
}

// protocol is how a server serves and drains. There are three: HTTP, streams,
// and whatever Server.Serve does.
type protocol interface {
	serve(ctx context.Context, ln net.Listener) error // until ln is closed
	drain(ctx context.Context, u *unit)               // tell peers, so far as the protocol can
	lame(ctx context.Context, u *unit)                // close what is idle, until ctx ends
	close()                                           // close everything
}

// newProcess prepares a process that serves on sockets, one for each server, as
// worker w, or alone if that is nil.
// The ctx that it returns is that of everything in it, until the grace time of
// its drain is over.
func newProcess(g *Group, servers []*Server, sockets []opened, page *ledger.Page, w *prefork.Worker) (context.Context, *process) {
	p := &process{
		group:    g,
		log:      g.logger(),
		page:     page,
		worker:   w,
		draining: make(chan struct{}),
		failed:   make(chan error, len(servers)),
	}
	ctx, end := context.WithCancelCause(context.WithValue(p.logs(), scopeKey{}, &scope{process: p}))
	p.end = end
	none := make(chan struct{})
	close(none)
	p.openGate(servers)
	for i, s := range servers {
		o := &post{server: s, served: none}
		p.posts = append(p.posts, o)
		if conn := sockets[i].conn; conn != nil {
			p.packets = append(p.packets, newPacketUnit(p, o, conn))
			continue
		}
		p.units = append(p.units, p.newUnit(o, p.queue(s, sockets[i].ln, w)))
	}
	return ctx, p
}

func (p *process) newUnit(o *post, q *accept.Queue) *unit {
	s := o.server
	s.addr.Store(address{q.Addr()})
	u := &unit{post: o, queue: q, ln: track.NewListener(q, p.page), speak: p.protocol(s, q)}
	p.watchClients(u)
	u.begun, u.run = u.ln.Accepting(), u.serve
	return u
}

func (p *process) protocol(s *Server, q *accept.Queue) protocol {
	switch {
	case s.Handler != nil:
		return newHTTP(p, s, q)
	case s.Stream != nil:
		return newStream(p, s)
	}
	return newCustom(p, s)
}

// setup runs the group's Setup. An order to stop that comes meanwhile ends its
// ctx, and is returned when Setup has.
func (p *process) setup(ctx context.Context, stop <-chan prefork.Order) (early *prefork.Order, err error) {
	if p.group.Setup == nil {
		return nil, nil
	}
	type result struct {
		cleanup cleanup
		err     error
	}
	done := make(chan result, 1) // has room for one that nobody waits for
	go func() {
		var r result
		r.err = guard("Setup", func() (err error) {
			r.cleanup, err = p.group.Setup(ctx)
			return err
		})
		done <- r
	}()
	for {
		select {
		case r := <-done:
			p.cleanup = r.cleanup
			if early != nil {
				return early, nil // its error, if any, is that it was stopped
			}
			return nil, r.err
		case o := <-stop:
			early = &o
			p.end(errors.New(o.Why))
			if o.Now {
				return early, errors.New("support: no time to wait for Setup, which has not returned")
			}
		}
	}
}

// guard calls do and says in the error where it happened. A panic is an error
// with its stack.
func guard(where string, do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in %s: %v\n%s", where, v, debug.Stack())
		}
	}()
	if err := do(); err != nil {
		return fmt.Errorf("in %s: %w", where, err)
	}
	return nil
}

// serve starts all servers and returns when each of them accepts, or one has
// failed, or an order to stop has come.
func (p *process) serve(ctx context.Context, stop <-chan prefork.Order) (early *prefork.Order, err error) {
	p.watches.Go(func() { p.watchPressure(ctx) })
	for _, u := range p.units {
		p.watches.Go(func() { u.ln.Watch(ctx, p.log.With("server", u.server.name())) })
	}
	for _, u := range p.packets {
		p.watches.Go(func() { u.watch(ctx) })
	}
	for _, o := range p.posts {
		o.served = make(chan struct{})
		go func() {
			defer close(o.served)
			p.noteEnd(o.server, o.run(ctx))
		}()
	}
	for _, o := range p.posts {
		select {
		case <-o.begun:
		case err := <-p.failed:
			return nil, err
		case o := <-stop:
			return &o, nil
		}
	}
	return nil, nil
}

// errEarly is the error of a server that ends without one.
var errEarly = errors.New("it returned before it was told to")

// noteEnd makes the end of s known: as a failure, unless it was to end.
func (p *process) noteEnd(s *Server, err error) {
	select {
	case <-p.draining:
		if err != nil && !errors.Is(err, net.ErrClosed) { // which is how they learn of it
			p.log.Warn("server ended badly", "server", s.name(), "error", err)
		}
	default:
		if err == nil {
			err = errEarly
		}
		p.failed <- fmt.Errorf("server %s ended: %w", s.name(), err)
	}
}

// serve serves until the listener is closed.
func (u *unit) serve(ctx context.Context) error {
	var ln net.Listener = u.ln
	if u.server.TLS != nil {
		ln = tls.NewListener(ln, u.server.tlsConfig())
	}
	return guard("Serve", func() error { return u.speak.serve(ctx, ln) })
}
