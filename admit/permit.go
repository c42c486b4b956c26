package admit

import (
	"context"
	"sync"
	"time"
)

// Acquire lets a request of a protocol other than HTTP in. It waits like one of
// HTTP; what must be given back is the Permit. If the request is shed, the error
// is an *Error, which is ErrShed; it is shed at once if its turn would come after
// the deadline of ctx. If ctx ends first, the error is the cause of that.
func (g *Gate) Acquire(ctx context.Context, class Class) (*Permit, error) {
	if p := g.TryAcquire(class); p != nil {
		return p, nil
	}
	r := request{class: class}
	if end, ok := ctx.Deadline(); ok {
		r.patient = max(time.Until(end), 1)
	}
	p, err := g.wait(ctx, r)
	if err != nil {
		return nil, err
	}
	return &Permit{gate: g, place: p}, nil
}

// TryAcquire lets a request in that need not wait, and returns nil otherwise.
func (g *Gate) TryAcquire(class Class) *Permit {
	if p, ok := g.begin(class); ok {
		return &Permit{gate: g, place: p}
	}
	return nil
}

// Permit is a place among the running requests of a Gate.
type Permit struct {
	once  sync.Once
	gate  *Gate
	place grant
}

// Release gives the place back, the first time that it is called.
func (p *Permit) Release() { p.once.Do(func() { p.gate.end(p.place) }) }
