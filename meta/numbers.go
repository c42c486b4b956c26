package meta

import (
	"context"
	"errors"
	"time"

	"github.com/support-go/support/stats"
)

// numbersAge is for how long statistics are not asked for again.
const numbersAge = 900 * time.Millisecond

type cachedNumbers struct {
	at       time.Time
	snapshot stats.Snapshot
	err      error
}

// numbers are the statistics of a process, or of all, as pages show them: what
// was reset counts from then on.
func (a *app) numbers(ctx context.Context, process string) (stats.Snapshot, error) {
	s, err := a.counted(ctx, process)
	return a.resets.apply(process, s), err
}

// counted are the statistics of a process, or of all, at most a second old.
func (a *app) counted(ctx context.Context, process string) (stats.Snapshot, error) {
	if a.Stats == nil {
		return stats.Snapshot{}, errors.New("no statistics are shown: set Stats")
	}
	a.mu.Lock()
	c, ok := a.cached[process]
	a.mu.Unlock()
	if ok && time.Since(c.at) < numbersAge {
		return c.snapshot, c.err
	}
	s, err := a.Stats(ctx, process)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.cached) > 64 { // workers come and go
		clear(a.cached)
	}
	a.cached[process] = cachedNumbers{time.Now(), s, err}
	return s, err
}
