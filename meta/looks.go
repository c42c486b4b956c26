package meta

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// looks bounds the looks at each page that have not ended, so that a page which
// blocks keeps nobody from the others. Its zero value is ready.
type looks struct {
	mu sync.Mutex
	at map[string]chan struct{} // by path; has room for those that have not ended
}

const (
	atOnce = 8                      // looks at one page
	queued = 250 * time.Millisecond // for which one more waits
)

// begin waits for a place, which end gives back.
func (l *looks) begin(ctx context.Context, p *Page) (end func(), err error) {
	l.mu.Lock()
	if l.at == nil {
		l.at = make(map[string]chan struct{})
	}
	room := l.at[p.Path]
	if room == nil {
		room = make(chan struct{}, atOnce)
		l.at[p.Path] = room
	}
	l.mu.Unlock()
	select {
	case room <- struct{}{}:
		return func() { <-room }, nil
	default:
	}
	late := time.NewTimer(queued)
	defer late.Stop()
	select {
	case room <- struct{}{}:
		return func() { <-room }, nil
	case <-late.C:
	case <-ctx.Done():
	}
	return nil, fmt.Errorf("%w: %d earlier looks at %q have not ended", ErrBusy, atOnce, p.Title)
}
