package support

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/track"
	"github.com/support-go/support/prefork"
)

// process serves some of a group's servers in this process.
type process struct {
	group *Group
	log   *slog.Logger
	page  *ledger.Page
	units []*unit

	end      context.CancelCauseFunc // ends everything that serves
	draining chan struct{}           // closed when draining begins
	leaving  atomic.Bool             // the same, for each request to look at
	failed   chan error              // from units that end by themselves; room for all
	cleanup  func(context.Context) error
}

// unit is one server of a process.
type unit struct {
	server *Server
	ln     *track.Listener
	speak  protocol
	served chan struct{} // closed when serve has returned
}

// protocol is how a server serves and drains. There are three: HTTP, streams,
// and whatever Server.Serve does.
type protocol interface {
	serve(ctx context.Context, ln net.Listener) error // until ln is closed
	drain(ln *track.Listener)                         // tell peers, so far as the protocol can
	lame()                                            // close what is idle
	close()                                           // close everything
}

// errGrace is the cause with which contexts end when the grace time is over.
var errGrace = errors.New("support: the grace time of the drain is over")

// newProcess prepares a process that serves on listeners, one for each server.
// The ctx that it returns is that of everything in it, until the grace time of
// its drain is over.
func newProcess(g *Group, servers []*Server, listeners []net.Listener, page *ledger.Page) (context.Context, *process) {
	p := &process{
		group:    g,
		log:      g.log().With("group", g.Name),
		page:     page,
		draining: make(chan struct{}),
		failed:   make(chan error, len(servers)),
	}
	ctx, end := context.WithCancelCause(context.WithValue(context.Background(), scopeKey{}, &scope{process: p}))
	p.end = end
	for i, s := range servers {
		ln := listeners[i]
		s.addr.Store(address{ln.Addr()})
		p.units = append(p.units, &unit{
			server: s, ln: track.NewListener(ln, page), speak: p.protocol(s), served: make(chan struct{}),
		})
	}
	return ctx, p
}

func (p *process) protocol(s *Server) protocol {
	switch {
	case s.Handler != nil:
		return newHTTP(p, s)
	case s.Stream != nil:
		return newStream(p, s)
	}
	return newCustom(p, s)
}

// setup runs the group's Setup. A panic in it is an error with its stack.
func (p *process) setup(ctx context.Context) (err error) {
	if p.group.Setup == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in Setup: %v\n%s", v, debug.Stack())
		}
	}()
	p.cleanup, err = p.group.Setup(ctx)
	if err != nil {
		return fmt.Errorf("in Setup: %w", err)
	}
	return nil
}

// serve starts all servers and returns when each of them accepts, or one has
// failed, or stop is closed.
func (p *process) serve(ctx context.Context, stop <-chan prefork.Order) (early *prefork.Order, err error) {
	for _, u := range p.units {
		go func() {
			defer close(u.served)
			err := u.run(ctx)
			select {
			case <-p.draining:
			default:
				p.failed <- fmt.Errorf("server %s ended: %w", u.server.name(), err)
			}
		}()
	}
	for _, u := range p.units {
		select {
		case <-u.ln.Accepting():
		case err := <-p.failed:
			return nil, err
		case o := <-stop:
			return &o, nil
		}
	}
	return nil, nil
}

// run serves until the listener is closed.
func (u *unit) run(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	var ln net.Listener = u.ln
	if u.server.TLS != nil {
		ln = tls.NewListener(ln, u.server.tlsConfig())
	}
	if err := u.speak.serve(ctx, ln); err != nil {
		return err
	}
	return errors.New("it returned before it was told to")
}

// drain brings everything to its end: what has been accepted is served, what
// is idle is closed after the lame-duck time, and what is left after the grace
// time is closed and counted. A second order, to go at once, cuts it short.
func (p *process) drain(o prefork.Order, more <-chan prefork.Order) error {
	d := p.group.Drain.withDefaults()
	now := make(chan struct{}) // closed when there is no more time
	if o.Now {
		close(now)
	}
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-more:
			if !o.Now {
				close(now)
			}
		case <-over:
		}
	}()
	if o.Alone {
		wait(d.Delay, now)
	}
	p.leaving.Store(true)
	close(p.draining)
	grace, cancel := deadline(d.Grace, now)
	defer cancel()
	p.stopAccepting(grace, o.Alone)
	lame, cancelLame := context.WithTimeout(grace, d.LameDuck)
	defer cancelLame()
	if p.wait(lame) != nil {
		for _, u := range p.units {
			u.speak.lame()
			u.ln.CloseSilent()
		}
	}
	if p.wait(grace) != nil {
		p.closeRest()
	}
	p.end(errGrace)
	for _, u := range p.units {
		<-u.served
	}
	return p.cleanUp(grace)
}

// stopAccepting closes the listeners, if nobody else accepts only when the
// kernel's queues are empty.
func (p *process) stopAccepting(grace context.Context, alone bool) {
	for _, u := range p.units {
		u.speak.drain(u.ln)
		var err error
		if alone {
			queue, cancel := context.WithTimeout(grace, time.Second)
			err = u.ln.Finish(queue)
			cancel()
		} else {
			err = u.ln.Close()
		}
		if err != nil {
			p.log.Error("stop accepting", "server", u.server.name(), "error", err)
		}
	}
}

// wait returns nil when no connection is left.
func (p *process) wait(ctx context.Context) error {
	for _, u := range p.units {
		if err := u.ln.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) closeRest() {
	for _, u := range p.units {
		u.speak.close()
		all, busy := u.ln.CloseAll()
		if all > 0 {
			p.log.Error("grace time over: connections closed", "server", u.server.name(), "connections", all, "with_requests", busy)
		}
	}
}

func (p *process) cleanUp(ctx context.Context) error {
	if p.cleanup == nil {
		return nil
	}
	if err := p.cleanup(ctx); err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	return nil
}

// wait returns after d, or when now is closed.
func wait(d time.Duration, now <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-now:
	}
}

// deadline returns a context that ends after d, or when now is closed.
func deadline(d time.Duration, now <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	go func() {
		select {
		case <-now:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
