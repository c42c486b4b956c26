package support

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/support-go/support/prefork"
)

// Main runs the group as the whole of a program, and exits: with 0 after a
// stop that was asked for, 2 if the configuration is wrong, and 1 after any
// other failure, which it writes to standard error on one line.
//
//	SIGTERM, SIGINT   drain and stop; the second one stops at once
//	SIGHUP            reload the workers; without workers, stop
//	SIGTTIN, SIGTTOU  one worker more, one fewer, see Group.Scale
//	SIGQUIT           write the stacks of all goroutines to standard error, and go on
//
// In a worker only SIGTERM means something: that worker drains and is replaced.
func Main(g *Group) {
	err := g.runWithSignals()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", cmp.Or(g.Name, "support"), strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrConfig):
		return 2
	}
	return 1
}

func (g *Group) runWithSignals() error {
	if g.Log == nil {
		g.logging, g.Log = g.newLogging(prefork.IsChild())
		defer g.logging.close()
		slog.SetDefault(g.Log)
	}
	// To lose whoever reads the log must not end the service. Ignored outright,
	// the signal would be ignored by what this process starts, too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if prefork.IsChild() {
		return g.Run(context.Background())
	}
	g.init()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 8) // more than anybody sends while one is looked at
	signal.Notify(signals, append(scalingSignals(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)...)
	defer signal.Stop(signals)
	reload := make(chan struct{}, 1) // one that is asked for during another follows it
	go g.heed(signals, cancel, reload)
	go g.reloadOnDemand(ctx, reload)
	return g.Run(ctx)
}

// heed acts on signals until the group is done.
func (g *Group) heed(signals <-chan os.Signal, cancel context.CancelCauseFunc, reload chan<- struct{}) {
	stopping := false
	for {
		select {
		case s := <-signals:
			switch {
			case s == syscall.SIGQUIT:
				writeStacks(os.Stderr)
			case scaling(s) != 0:
				g.scaleBy(scaling(s))
			case s == syscall.SIGHUP && g.supervised():
				select {
				case reload <- struct{}{}:
				default:
				}
			case stopping:
				g.Kill()
			default:
				stopping = true
				cancel(errors.New(s.String()))
			}
		case <-g.done:
			return
		}
	}
}

// scaleBy scales as a signal asks.
func (g *Group) scaleBy(workers int) {
	err := errNoWorkers
	if g.supervised() {
		err = prefork.ErrStopped
		select {
		case <-g.ready:
			err = g.sup.ScaleBy(context.Background(), workers)
		default:
		}
	}
	if err != nil {
		g.logger().Warn("signal without effect", "workers", workers, "error", err)
	}
}

// reloadOnDemand reloads once for any number of demands that come together. One
// that comes while the group starts is carried out when it has.
func (g *Group) reloadOnDemand(ctx context.Context, demand <-chan struct{}) {
	select {
	case <-g.ready:
	case <-g.done:
		return
	}
	for {
		select {
		case <-demand:
			if err := g.Reload(ctx); errors.Is(err, prefork.ErrBusy) {
				g.logger().Warn("SIGHUP without effect", "error", err)
			} // the supervisor has logged any other
		case <-g.done:
			return
		}
	}
}

// writeStacks writes what every goroutine is doing, at most 1 MiB of it.
func writeStacks(w io.Writer) {
	buffer := make([]byte, 1<<20)
	_, _ = w.Write(buffer[:runtime.Stack(buffer, true)]) // there is nobody to tell
}
