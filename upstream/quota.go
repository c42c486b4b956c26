package upstream

import (
	"context"
	"sync"
	"sync/atomic"
)

// quota bounds the connections of a Manager, to leave descriptors for others.
type quota struct {
	mu      sync.Mutex
	most    int
	n       int
	waiting []chan struct{} // first come, first served; each is closed once it has a place
	wanting atomic.Bool     // somebody waits
}

// acquire takes a place. While there is none it has cull close an idle
// connection, which gives its place back, and else waits until ctx ends.
func (q *quota) acquire(ctx context.Context, cull func() bool) error {
	for {
		q.mu.Lock()
		if q.n < q.most {
			q.n++
			q.mu.Unlock()
			return nil
		}
		q.mu.Unlock()
		if !cull() {
			break
		}
	}
	place := make(chan struct{})
	q.mu.Lock()
	if q.n < q.most { // one has come free meanwhile
		q.n++
		q.mu.Unlock()
		return nil
	}
	q.waiting = append(q.waiting, place)
	q.wanting.Store(true)
	q.mu.Unlock()
	cull() // what has become idle before anybody could see that a place is wanted
	select {
	case <-place:
		return nil
	case <-ctx.Done():
		q.giveUp(place)
		return ErrDescriptors
	}
}

// giveUp leaves the queue, or passes on the place that came too late.
func (q *quota) giveUp(place chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == place {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			q.wanting.Store(len(q.waiting) > 0)
			return
		}
	}
	q.releaseLocked()
}

// release gives a place back.
func (q *quota) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.releaseLocked()
}

func (q *quota) releaseLocked() {
	if len(q.waiting) == 0 {
		q.n--
		return
	}
	close(q.waiting[0])
	q.waiting = q.waiting[1:]
	q.wanting.Store(len(q.waiting) > 0)
}

// short tells whether somebody waits for a place.
func (q *quota) short() bool { return q.wanting.Load() }

func (q *quota) count() (n, most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n, q.most
}
