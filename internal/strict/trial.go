package strict

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// bufferSize holds a whole HTTP/2 frame of the largest size that is allowed
// without a setting, and bounds a header line.
const bufferSize = 32 << 10

// Trial runs loads together against a server, once. Mark and Count may be
// called at any time from any goroutine; the fields must not change while it
// runs.
type Trial struct {
	// Seed fixes phases and pauses and begins every id. Zero: one is chosen.
	// Two trials that share a server's record of ids must not share a seed.
	Seed  uint32
	Loads []Load // at least one

	began atomic.Bool
	live  [outcomes]atomic.Int64
	mu    sync.Mutex // guards marks
	marks []mark
}

type mark struct {
	at    time.Time
	label string
}

// Mark notes that something happened now, such as "reload 3".
func (t *Trial) Mark(label string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marks = append(t.marks, mark{time.Now(), label})
}

// Count returns how many requests have ended in o so far.
func (t *Trial) Count(o Outcome) int64 { return t.live[o].Load() }

// Run applies all loads until ctx ends or each has sent its requests. Requests
// on their way are then seen to their end, at most a time-out (two, where a
// server does not close what it said it would). All goroutines are waited for.
//
// An error means that the trial is void: a load makes no sense or the client
// ran out of ports or descriptors. The report then holds what was seen, or is
// nil if nothing was begun. What the server does is never an error.
func (t *Trial) Run(ctx context.Context) (*Report, error) {
	if t.began.Swap(true) {
		return nil, errors.New("strict: a trial runs once: its ids would come again")
	}
	if t.Seed == 0 {
		t.Seed = rand.Uint32()
	}
	start := time.Now()
	runs, err := t.prepare(start)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var failed errOnce
	for _, run := range runs {
		for _, c := range run.clients {
			wg.Go(func() {
				if err := c.run(ctx); err != nil {
					failed.set(err)
					cancel(err)
				}
			})
		}
	}
	wg.Wait()
	return t.report(start, runs), failed.err
}

// errOnce keeps the first of several errors.
type errOnce struct {
	once sync.Once
	err  error
}

func (e *errOnce) set(err error) { e.once.Do(func() { e.err = err }) }

// running is a load with its clients.
type running struct {
	name    string
	clients []client
}

// client is one connection's worth of requests.
type client struct {
	run   func(context.Context) error
	tally *Tally
}

// prepare checks all loads and makes their clients.
func (t *Trial) prepare(start time.Time) ([]running, error) {
	if len(t.Loads) == 0 {
		return nil, errors.New("strict: a trial needs at least one load")
	}
	var runs []running
	var errs []error
	conns := 0
	for _, l := range t.Loads {
		l, err := l.withDefaults()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		run, err := t.clients(l, conns, start)
		errs = append(errs, err)
		runs = append(runs, run)
		conns += l.Conns
	}
	if conns > maxConns {
		errs = append(errs, fmt.Errorf("strict: %d connections in one trial: use at most %d", conns, maxConns))
	}
	return runs, errors.Join(errs...)
}

// clients makes the clients of one load; first numbers its first connection.
func (t *Trial) clients(l Load, first int, start time.Time) (running, error) {
	run := running{name: l.Name}
	d, err := newDialer(l)
	if err != nil {
		return run, err
	}
	var left *atomic.Int64
	if l.Limits.Requests > 0 {
		left = new(atomic.Int64)
		left.Store(l.Limits.Requests)
	}
	for i := range l.Conns {
		rng := rand.New(rand.NewPCG(uint64(t.Seed), uint64(first+i)))
		run.clients = append(run.clients, newClient(user{
			load: l, dialer: d, left: left,
			wire:  wire{in: bufio.NewReaderSize(nil, bufferSize)},
			pace:  newPacer(l, rng, start),
			tally: Tally{Name: l.Name, start: start, live: &t.live},
			id:    newID(t.Seed, first+i),
		}))
	}
	return run, nil
}

func newClient(u user) client {
	if u.load.Mode == HTTP2 {
		h := newH2(u)
		return client{h.run, &h.tally}
	}
	h := newH1(u)
	return client{h.run, &h.tally}
}

// report merges what the clients have met.
func (t *Trial) report(start time.Time, runs []running) *Report {
	r := &Report{Seed: t.Seed, Start: start, Elapsed: time.Since(start)}
	for _, run := range runs {
		sum := &Tally{Name: run.name}
		for _, c := range run.clients {
			sum.merge(c.tally)
		}
		r.Loads = append(r.Loads, sum)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.marks {
		r.Marks = append(r.Marks, Mark{At: m.at.Sub(start), Label: m.label})
	}
	return r
}
