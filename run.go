package support

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/logs/access"
	"github.com/support-go/support/meta/portrait"
	"github.com/support-go/support/prefork"
)

// Run serves until ctx ends, drains, and returns when nothing is left running.
// It returns nil after a stop that was asked for; else why it could not start,
// or what has failed since, such as a server that goes on when it should not.
// If the configuration is wrong, it starts nothing and returns an error that is
// ErrConfig and names everything that is wrong.
//
// In a process that a supervisor has started, Run serves as that supervisor
// says.
//
// Run raises GOMAXPROCS to 2 if it is 1: with a single P, a handler that
// computes keeps the network waiting.
func (g *Group) Run(ctx context.Context) error {
	g.init()
	if g.running.Swap(true) {
		return errors.New("support: Run can be called only once for a group")
	}
	defer close(g.done)
	defer func() { _ = g.Upstream.Close() }() // only ever tells of connections that are closed already
	g.connectUpstream()
	g.label()
	g.shareLogs()
	if err := g.check(); err != nil {
		return err
	}
	w, err := prefork.Inherited(g.logger())
	switch {
	case err != nil:
		return err
	case w != nil && w.Group() != g.Name:
		err := fmt.Errorf("support: this process is to run the group %q, and the program runs %q first: only one group of a program can have workers", w.Group(), g.Name)
		w.Failed(err)
		return err
	case w != nil:
		if g.logging != nil {
			g.logging.survive(w)
		}
		return g.runChild(ctx, w)
	case g.supervised():
		return g.supervise(ctx)
	}
	if g.Workers > 0 {
		g.logger().Warn("no worker processes on this system: serving in this one", "os", runtime.GOOS)
	}
	return g.runAlone(ctx)
}

// connectUpstream has what Upstream counts and says go where the group's does,
// and its requests name the one they are made for.
func (g *Group) connectUpstream() {
	if g.Upstream.Stats == nil {
		g.Upstream.Stats = &g.Stats
	}
	if g.Upstream.Log == nil {
		g.Upstream.Log = g.logger()
	}
	if g.Upstream.Propagate == nil {
		g.Upstream.Propagate = access.Propagate
	}
}

// Reload replaces the group's workers one by one, by fresh processes of the
// same program, without refusing or losing a request, and returns when the last
// of the old ones has gone. If a new worker does not get ready, the old ones
// serve on, and the error says why. Without workers it fails.
func (g *Group) Reload(ctx context.Context) error {
	if !g.supervised() {
		return errors.New("support: there are no workers to reload")
	}
	select {
	case <-g.Ready():
	default:
		return fmt.Errorf("support: reload: %w", prefork.ErrStopped)
	}
	return g.sup.Reload(ctx)
}

// Scale sets the number of workers, from Limits.Floor to Limits.Ceiling. It
// returns when the change has begun. Workers that are too many drain. Without
// workers it fails.
func (g *Group) Scale(ctx context.Context, workers int) error {
	if !g.supervised() {
		return errNoWorkers
	}
	select {
	case <-g.Ready():
	default:
		return fmt.Errorf("support: scale: %w", prefork.ErrStopped)
	}
	return g.sup.Scale(ctx, workers)
}

var errNoWorkers = errors.New("support: there are no worker processes")

// Kill ends a Run that is draining, or anything else, at once: what is open is
// closed.
func (g *Group) Kill() {
	g.init()
	g.killed.Do(func() { close(g.halt) })
}

// supervise runs workers.
func (g *Group) supervise(ctx context.Context) error {
	g.sup = g.supervisor(g.Workers)
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		g.watchSupervisor(over)
	}()
	err := g.sup.Run(ctx)
	close(over)
	<-watched
	return err
}

// watchSupervisor learns the addresses when the group is ready, and passes
// Kill on.
func (g *Group) watchSupervisor(over <-chan struct{}) {
	ready := g.sup.Ready()
	for {
		select {
		case <-ready:
			ready = nil
			state, err := g.sup.State(context.Background())
			if err != nil {
				return // it has stopped already
			}
			g.noteAddresses(state)
			close(g.ready)
		case <-g.halt:
			_ = g.sup.Kill(context.Background()) // its error is that there is nothing to kill
			<-over
			return
		case <-over:
			return
		}
	}
}

func (g *Group) noteAddresses(state prefork.State) {
	for _, s := range g.all() {
		for _, b := range state.Sockets {
			if b.Name == s.name() {
				s.addr.Store(address{resolved(b)})
			}
		}
	}
}

// runChild serves as a supervisor says.
func (g *Group) runChild(ctx context.Context, w *prefork.Worker) error {
	if g.Stats.Secret == [16]byte{} { // so that what the processes have counted can be merged
		g.Stats.Secret = w.Secret()
	}
	if w.Role() == metaRole {
		return g.runMeta(ctx, w)
	}
	g.equip()
	stop := background(g.keepTime, g.watchProcess, g.watchScheduler, g.watchSpins, g.report(w), g.beSeen(w))
	defer stop() // the last report has what the drain has counted
	p, order, err := g.serveChild(ctx, w, g.servers)
	if order == nil {
		return err
	}
	return errors.Join(err, p.drain(*order, w.Orders()))
}

// metaGC is how much garbage the process that shows the group lets pile up, in
// per cent of what it needs. It has little to do, and beside many workers its
// memory counts more than its time.
const metaGC = 25

// runMeta shows the group.
func (g *Group) runMeta(ctx context.Context, w *prefork.Worker) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(metaGC)
	}
	group := g.collect(w)
	defer group.stop()
	shown := g.answerAll(&panorama{group: g, lanes: g.lanes(), ask: w.Status, numbers: group.totals, of: group.process, dir: w.Dir()})
	stop := background(append(shown, g.keepTime, g.watchProcess, g.report(w))...)
	defer stop()
	p, order, err := g.serveChild(ctx, w, g.admin)
	if order == nil {
		return err
	}
	stop() // while somebody takes its last report
	group.stop()
	if order.Alone { // the workers have gone: there is nothing to tell
		group.discard()
		portrait.TokenFile{Dir: w.Dir()}.Remove()
		return errors.Join(err, p.quit(telling))
	}
	return errors.Join(err, p.drain(*order, w.Orders()))
}

// serveChild serves until it is to drain, and returns the order to. Without
// one it has never been ready, and nothing is left to drain.
func (g *Group) serveChild(ctx context.Context, w *prefork.Worker, servers []*Server) (*process, *prefork.Order, error) {
	sockets, err := inherit(w, servers)
	if err != nil {
		w.Failed(err)
		return nil, nil, err
	}
	serving, p := newProcess(g, servers, sockets, w.Ledger(), w)
	if w.Role() != metaRole {
		early, err := p.setup(serving, w.Orders())
		if err != nil {
			w.Failed(err)
		}
		if err != nil || early != nil {
			return nil, nil, errors.Join(err, p.abandon())
		}
	}
	early, err := p.serve(serving, w.Orders())
	if err != nil {
		w.Failed(err)
		return nil, nil, errors.Join(err, p.abandon())
	}
	if early != nil { // it may have accepted something already
		w.LetGo()
		return p, early, nil
	}
	w.Ready()
	close(g.ready)
	order, err := p.await(ctx, w.Orders())
	w.LetGo()
	return p, &order, err
}

// await returns the order to drain, and the error that makes it necessary, if
// one does.
func (p *process) await(ctx context.Context, orders <-chan prefork.Order) (prefork.Order, error) {
	select {
	case o := <-orders:
		p.log.Debug("draining", "why", o.Why) // whoever gave the order has said so
		return o, nil
	case err := <-p.failed:
		return prefork.Order{Why: "a server has failed"}, err
	case <-ctx.Done():
		return prefork.Order{Why: context.Cause(ctx).Error(), Alone: true}, nil
	}
}

// runAlone serves in this process.
func (g *Group) runAlone(ctx context.Context) error {
	if runtime.GOMAXPROCS(0) < 2 {
		runtime.GOMAXPROCS(2)
	}
	g.equip()
	sockets, err := g.listen(ctx)
	if err != nil {
		return err
	}
	defer g.removeFiles()
	defer g.removeToken()
	serving, p := newProcess(g, g.servers, sockets[:len(g.servers)], ledger.New(), nil)
	started := time.Now()
	shown := g.answerAll(&panorama{group: g, lanes: g.lanes(), ask: func(context.Context) (prefork.State, error) { return p.state(started) }, numbers: g.own})
	stop := background(append(shown, g.keepTime, g.watchProcess, g.watchScheduler, g.watchSpins)...)
	defer stop()
	answering, admin := newProcess(g, g.admin, sockets[len(g.servers):], ledger.New(), nil)
	orders := g.orders(ctx)
	early, err := p.setup(serving, orders)
	if early != nil || err != nil {
		return errors.Join(err, p.abandon(), admin.abandon())
	}
	early, err = p.serve(serving, orders)
	if early == nil && err == nil {
		early, err = admin.serve(answering, orders)
	}
	if err != nil {
		return errors.Join(err, p.abandon(), admin.abandon())
	}
	if early != nil { // something may have been accepted already
		return errors.Join(p.drain(*early, orders), admin.abandon())
	}
	close(g.ready)
	p.log.Info("group serves", "at", p.addresses(), "pid", pid())
	ignore := background(admin.surviveFailures)
	defer ignore()
	order, err := p.await(context.Background(), orders)
	return errors.Join(err, p.drain(order, orders), admin.quit(telling))
}

// surviveFailures says which of p's servers have failed, of a process whose others do
// not depend on them.
func (p *process) surviveFailures(ctx context.Context) {
	for {
		select {
		case err := <-p.failed:
			p.log.Error("the group cannot be looked at any more: serving on", "error", err)
		case <-ctx.Done():
			return
		}
	}
}

// orders makes an order of the end of ctx, or of what an operator wants, and one
// of Kill.
func (g *Group) orders(ctx context.Context) <-chan prefork.Order {
	orders := make(chan prefork.Order, 2) // one of each
	go func() {
		select {
		case <-ctx.Done():
			orders <- prefork.Order{Why: context.Cause(ctx).Error(), Alone: true}
		case why := <-g.leave:
			orders <- prefork.Order{Why: why, Alone: true}
		case <-g.halt:
		case <-g.done:
			return
		}
		select {
		case <-g.halt:
			orders <- prefork.Order{Why: "at once", Now: true, Alone: true}
		case <-g.done:
		}
	}()
	return orders
}
