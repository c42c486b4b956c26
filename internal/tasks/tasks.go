// Package tasks keeps goroutines that one owner can end and wait for.
package tasks

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Group is a set of running tasks. The zero Group is ready. It is safe for
// concurrent use.
type Group struct {
	closed  atomic.Bool
	mu      sync.Mutex // guards running, and the moment of closing
	running map[*context.CancelFunc]struct{}
	wait    sync.WaitGroup
}

// Go runs do on a goroutine of its own. Its ctx ends after timeout, if that is
// not 0, and when the group is closed. Go returns false, and runs nothing, if
// it is closed already.
func (g *Group) Go(timeout time.Duration, do func(ctx context.Context)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed.Load() {
		return false
	}
	ctx, cancel := context.WithCancel(context.Background())
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(context.Background(), timeout)
	}
	if g.running == nil {
		g.running = make(map[*context.CancelFunc]struct{})
	}
	g.running[&cancel] = struct{}{}
	g.wait.Go(func() {
		defer g.ended(&cancel)
		do(ctx)
	})
	return true
}

func (g *Group) ended(cancel *context.CancelFunc) {
	(*cancel)()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, cancel)
}

// Closed tells whether Close has been called.
func (g *Group) Closed() bool { return g.closed.Load() }

// Close ends the ctx of every task and waits for all of them.
func (g *Group) Close() {
	g.mu.Lock()
	g.closed.Store(true)
	for cancel := range g.running {
		(*cancel)()
	}
	g.mu.Unlock()
	g.wait.Wait()
}
