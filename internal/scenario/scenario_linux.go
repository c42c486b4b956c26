// Package scenario puts a program under load and does something to it, to see
// whether its clients notice.
//
// A [Scenario] starts the program, waits until it answers, runs a
// [strict.Trial] against it, acts a number of times while clients are being
// answered, and stops it. Nothing in it sleeps in the hope that something has
// happened: it waits for answers and for conditions. The program's whole
// process [Tree] has to be gone at the end.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"time"

	"github.com/support-go/support/internal/strict"
)

// Scenario is a program, a load and what is done. Zero fields take defaults.
type Scenario struct {
	Command *exec.Cmd     // the program; required, started once
	Trial   *strict.Trial // the load; required, run once
	Name    string        // of the act, for marks such as "reload 3"; default "act"
	Act     Act           // default: nothing, the load runs until ctx ends
	Times   int           // how often to act; default 1
	Between int64         // answers that clients get before each act and after the last; default 1,000
	Start   time.Duration // longest time until every address accepts; default 10s
	Stop    time.Duration // longest time from SIGTERM until the program has gone; default 30s
}

// Act does something to the program for the n-th time, counted from 1, and
// returns when the effect is complete.
type Act func(ctx context.Context, tree *Tree, n int) error

// Run plays the scenario. Once the trial has begun its report is returned, also
// beside an error, which says that the scenario did not come to its end: the
// program did not start, an act failed, ctx ended before the last one, the
// program did not stop or left processes behind. What clients met is judged by
// the caller, in the report.
func (s Scenario) Run(ctx context.Context) (report *strict.Report, err error) {
	s = s.withDefaults()
	tree, err := Start(s.Command)
	if err != nil {
		return nil, err
	}
	if err = s.answers(ctx, tree); err == nil {
		report, err = s.play(ctx, tree)
	}
	// The program gets its time to stop although ctx may have ended.
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Stop)
	defer cancel()
	return report, errors.Join(err, tree.End(stopCtx))
}

func (s Scenario) withDefaults() Scenario {
	if s.Name == "" {
		s.Name = "act"
	}
	if s.Times == 0 {
		s.Times = 1
	}
	if s.Between == 0 {
		s.Between = 1000
	}
	if s.Start == 0 {
		s.Start = 10 * time.Second
	}
	if s.Stop == 0 {
		s.Stop = 30 * time.Second
	}
	return s
}

// answers waits until every address of the trial accepts a connection.
func (s Scenario) answers(ctx context.Context, tree *Tree) error {
	ctx, cancel := context.WithTimeout(ctx, s.Start)
	defer cancel()
	for _, l := range s.Trial.Loads {
		network := l.Target.Network
		if network == "" {
			network = "tcp"
		}
		err := Await(ctx, tree, func(ctx context.Context) error {
			conn, err := new(net.Dialer).DialContext(ctx, network, l.Target.Addr)
			if err != nil {
				return err
			}
			return conn.Close()
		})
		if err != nil {
			return fmt.Errorf("scenario: waiting for %s: %w", l.Target.Addr, err)
		}
	}
	return nil
}

// play runs the trial and acts beside it.
func (s Scenario) play(ctx context.Context, tree *Tree) (*strict.Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var actErr error
	if s.Act != nil {
		wg.Go(func() {
			defer cancel()
			actErr = s.act(ctx, tree)
		})
	}
	report, err := s.Trial.Run(ctx)
	cancel()
	wg.Wait()
	return report, errors.Join(err, actErr)
}

// act acts as often as asked, each time after clients were answered.
func (s Scenario) act(ctx context.Context, tree *Tree) error {
	for n := 1; n <= s.Times; n++ {
		err := s.answered(ctx, tree)
		if err == nil {
			s.Trial.Mark(fmt.Sprintf("%s %d", s.Name, n))
			err = s.Act(ctx, tree, n)
			s.Trial.Mark(fmt.Sprintf("%s %d over", s.Name, n))
		}
		if err != nil {
			return fmt.Errorf("scenario: %s %d of %d: %w", s.Name, n, s.Times, err)
		}
	}
	if err := s.answered(ctx, tree); err != nil {
		return fmt.Errorf("scenario: after the last %s: %w", s.Name, err)
	}
	return nil
}

// answered waits for the answers between two acts.
func (s Scenario) answered(ctx context.Context, tree *Tree) error {
	enough := s.Trial.Count(strict.Answered) + s.Between
	return Await(ctx, tree, func(context.Context) error {
		if n := s.Trial.Count(strict.Answered); n < enough {
			return fmt.Errorf("%d more answers are due", enough-n)
		}
		return nil
	})
}

// pollEvery is how often Await looks.
const pollEvery = 5 * time.Millisecond

// Await returns nil as soon as condition does. When ctx ends or the root of
// the tree exits first, the error says so and holds the condition's last one.
func Await(ctx context.Context, tree *Tree, condition func(context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-tree.Exited():
			return fmt.Errorf("the program has exited; %w", err)
		case <-ctx.Done():
			return fmt.Errorf("%w; %w", context.Cause(ctx), err)
		}
	}
}
