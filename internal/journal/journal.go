// Package journal keeps the latest of many events, and says of them so seldom
// that a flood of them does no harm.
package journal

import (
	"sync"
	"time"
)

const (
	most  = 256              // events kept
	every = 10 * time.Second // at most so often is there something to say
)

// Journal keeps the latest 256 events. Its zero value is empty; its methods may
// be called by any number of goroutines.
type Journal[T any] struct {
	mu    sync.Mutex
	ring  []T
	next  int // place in ring
	total uint64
	since uint64 // the last time that there was something to say
	said  time.Time
}

// Add notes an event that happened now. If it is time for a line in a log, since
// is the number of events since the last one, this one included, else it is 0.
func (j *Journal[T]) Add(event T, now time.Time) (since, total uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.ring) < most {
		j.ring = append(j.ring, event)
	} else {
		j.ring[j.next] = event
	}
	j.next = (j.next + 1) % most
	j.total++
	j.since++
	if now.Sub(j.said) < every {
		return 0, j.total
	}
	since, j.since, j.said = j.since, 0, now
	return since, j.total
}

// Latest returns the events that are kept, the oldest first.
func (j *Journal[T]) Latest() []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.ring) < most {
		return append([]T(nil), j.ring...)
	}
	return append(append([]T(nil), j.ring[j.next:]...), j.ring[:j.next]...)
}
