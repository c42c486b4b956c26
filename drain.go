package support

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/support-go/support/prefork"
)

// The causes with which contexts end.
var (
	errOver  = errors.New("support: the process ends")
	errGrace = errors.New("support: the grace time of the drain is over")
)

const (
	tidying   = 5 * time.Second // the least that a clean-up gets
	telling   = time.Second / 2 // for those who show the group to answer whoever has asked them to end it
	returning = 2 * time.Second // for a server to return in when its connections are closed
)

// drain brings everything to its end: what has been accepted is served, what
// is idle is closed after the lame-duck time, and what is left after the grace
// time is closed and counted. An order to go at once cuts it short.
func (p *process) drain(o prefork.Order, more <-chan prefork.Order) error {
	over := make(chan struct{})
	defer close(over)
	now := atOnce(o, more, over)
	d := p.group.Drain.withDefaults()
	if o.Alone {
		p.stopping.Store(true)
		wait(d.Delay, now)
	}
	p.leaving.Store(true)
	close(p.draining)
	grace, cancel := deadline(d.Grace, now)
	defer cancel()
	p.stopAccepting(grace, o.Alone)
	p.empty(grace, d.LameDuck)
	err := p.awaitServers()
	tidy, cancel := deadline(max(untilEnd(grace), tidying), now)
	defer cancel()
	return errors.Join(err, p.cleanUp(tidy))
}

// abandon ends a process that has never been ready: what is open is closed.
func (p *process) abandon() error { return p.quit(0) }

// quit ends a process that nobody needs any more. What runs has so long to
// answer; then what is open is closed.
func (p *process) quit(answering time.Duration) error {
	p.leaving.Store(true)
	close(p.draining)
	grace, cancel := context.WithTimeout(context.Background(), answering)
	defer cancel()
	p.stopAccepting(grace, false)
	var closing sync.WaitGroup
	for _, u := range p.units {
		closing.Go(func() { u.speak.lame(grace, u) })
	}
	_ = p.wait(grace) // its error is that something is left
	p.closeAll(errOver)
	cancel()
	closing.Wait()
	err := p.awaitServers()
	tidy, cancel := context.WithTimeout(context.Background(), tidying)
	defer cancel()
	return errors.Join(err, p.cleanUp(tidy))
}

// stopAccepting closes the listeners, if nobody else accepts only when the
// kernel's queues are empty.
func (p *process) stopAccepting(grace context.Context, alone bool) {
	var stopping sync.WaitGroup
	defer stopping.Wait()
	for _, u := range p.units {
		stopping.Go(func() {
			if err := u.stopAccepting(grace, alone); err != nil {
				p.log.Error("stop accepting", "server", u.server.name(), "error", err)
			}
		})
	}
	for _, u := range p.packets {
		stopping.Go(func() { u.stopReading(grace, alone) })
	}
}

// stopAccepting empties the queue twice: before the server learns of the stop,
// since after that it may not accept any more, and for what came meanwhile.
func (u *unit) stopAccepting(grace context.Context, alone bool) error {
	if !alone {
		u.speak.drain(grace, u)
		return u.ln.Close()
	}
	err := within(grace, u.ln.Settle)
	u.speak.drain(grace, u)
	return errors.Join(err, within(grace, u.ln.Finish))
}

// emptying is how long a server may take to empty the kernel's queue.
const emptying = time.Second

func within(grace context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(grace, emptying)
	defer cancel()
	return do(ctx)
}

// empty returns when all connections are closed, by their owners, for being
// idle, or because grace has ended.
func (p *process) empty(grace context.Context, lameDuck time.Duration) {
	var closing sync.WaitGroup
	defer closing.Wait()
	defer p.end(errOver)
	lame, cancel := context.WithTimeout(grace, lameDuck)
	defer cancel()
	if p.wait(lame) == nil {
		return
	}
	idle, cancel := context.WithCancel(grace)
	defer cancel()
	for _, u := range p.units {
		closing.Go(func() { u.speak.lame(idle, u) })
	}
	if p.wait(grace) != nil {
		p.closeRest()
	}
}

// wait returns nil when no connection is left.
func (p *process) wait(ctx context.Context) error {
	for _, u := range p.units {
		if err := u.ln.Wait(ctx); err != nil {
			return err
		}
	}
	for _, u := range p.packets {
		select {
		case <-u.served:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// closeRest closes what is left, and counts it before anybody can notice.
func (p *process) closeRest() {
	for _, u := range p.units {
		if all, busy := u.ln.Left(); all > 0 {
			p.log.Error("no time left: closing connections", "server", u.server.name(), "connections", all, "with_requests", busy)
		}
	}
	for _, u := range p.packets {
		if n := u.running(); n > 0 {
			p.log.Error("no time left for datagrams", "server", u.server.name(), "handlers", n)
		}
	}
	p.closeAll(errGrace)
}

// closeAll closes all connections, and ends all contexts for a reason. In this
// order: a handler that returns because its context has ended would have its
// client believe that an empty answer is all there is.
func (p *process) closeAll(reason error) {
	for _, u := range p.units {
		u.ln.CloseAll()
		u.speak.close()
	}
	for _, u := range p.packets {
		u.close()
	}
	p.end(reason)
}

// awaitServers returns when all servers have, or names those that do not,
// though they have no connections any more.
func (p *process) awaitServers() error {
	p.watches.Wait()
	timer := time.NewTimer(returning)
	defer timer.Stop()
	for _, u := range p.posts {
		select {
		case <-u.served:
			continue
		case <-timer.C:
		}
		var problems []error
		for _, u := range p.posts {
			select {
			case <-u.served:
			default:
				problems = append(problems, fmt.Errorf("server %s has not returned, %v after its context has ended and its connections have been closed", u.server.name(), returning))
			}
		}
		return errors.Join(problems...)
	}
	return nil
}

func (p *process) cleanUp(ctx context.Context) error {
	err := p.closeLanes(ctx) // their jobs may use what is cleaned up
	if p.cleanup == nil {
		return err
	}
	return errors.Join(err, guard("clean-up", func() error { return p.cleanup(ctx) }))
}

// atOnce returns a channel that is closed when there is no more time: if o or
// one of more says so, and not after over is closed.
func atOnce(o prefork.Order, more <-chan prefork.Order, over <-chan struct{}) <-chan struct{} {
	now := make(chan struct{})
	if o.Now {
		close(now)
		return now
	}
	go func() {
		for {
			select {
			case o := <-more:
				if o.Now {
					close(now)
					return
				}
			case <-over:
				return
			}
		}
	}()
	return now
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

// untilEnd is the time that ctx has left.
func untilEnd(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return time.Until(end)
}
