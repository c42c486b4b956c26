package admit_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/stats"
)

// world is a machine whose cores serve those that compute in turn, a
// millisecond each.
type world struct {
	cores chan struct{}
	want  atomic.Int64
	used  atomic.Int64 // ns
}

func newWorld(cores int) *world { return &world{cores: make(chan struct{}, cores)} }

func (w *world) compute(d time.Duration) {
	w.want.Add(1)
	defer w.want.Add(-1)
	for ; d > 0; d -= time.Millisecond {
		turn := min(d, time.Millisecond)
		w.cores <- struct{}{}
		pass(turn)
		w.used.Add(int64(turn))
		<-w.cores
	}
}

func (w *world) gate(limits admit.Limits, reg *stats.Registry) *admit.Gate {
	limits.Cores = cap(w.cores)
	return admit.NewInWorld(limits, reg,
		func() int { return int(w.want.Load()) },
		func() time.Duration { return time.Duration(w.used.Load()) })
}

// pass lets time go by, in the bubbles of synctest in which every world lives.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}

// load is an open-loop load of one kind.
type load struct {
	rate    float64 // a second
	poisson bool
	class   admit.Class
	wait    time.Duration // before it computes
	compute time.Duration
}

// outcome is what became of it after the first second.
type outcome struct {
	mu          sync.Mutex
	asked, shed int
	good        int             // answered within 250 ms
	took        []time.Duration // of the answered
	late        int             // refusals, which should take no time
}

func (o *outcome) p(q float64) time.Duration {
	slices.Sort(o.took)
	return o.took[int(q*float64(len(o.took)-1))]
}

func (l load) run(w *world, g *admit.Gate, seconds int, done *sync.WaitGroup) *outcome {
	o := new(outcome)
	random := rand.New(rand.NewPCG(1, 2))
	done.Go(func() {
		start := time.Now()
		for due := start; ; {
			gap := 1.0
			if l.poisson {
				gap = random.ExpFloat64()
			}
			due = due.Add(time.Duration(gap / l.rate * float64(time.Second)))
			if due.Sub(start) > time.Duration(seconds)*time.Second {
				return
			}
			pass(time.Until(due))
			at := due
			done.Go(func() { l.one(w, g, o, at, at.Sub(start) > time.Second) })
		}
	})
	return o
}

func (l load) one(w *world, g *admit.Gate, o *outcome, due time.Time, counts bool) {
	permit, err := g.Acquire(context.Background(), l.class)
	if err == nil {
		pass(l.wait)
		w.compute(l.compute)
		permit.Release()
	}
	if !counts {
		return
	}
	took := time.Since(due)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if err != nil {
		o.shed++
		if took > 0 {
			o.late++
		}
		return
	}
	o.took = append(o.took, took)
	if took <= 250*time.Millisecond {
		o.good++
	}
}

// TestGoodput is the gate under loads of many kinds, in a simulated world.
func TestGoodput(t *testing.T) {
	t.Parallel()
	const seconds = 4
	tests := map[string]struct {
		cores  int
		load   load
		limits admit.Limits
		want   float64 // of capacity, or of the load if that is less
	}{
		"computing, 0.5 x, random":           {1, load{rate: 100, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{}, 1},
		"computing, 0.8 x, random":           {1, load{rate: 160, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{}, 0.99},
		"computing, 0.9 x, random":           {1, load{rate: 180, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{}, 0.99},
		"computing, 1 x, random":             {1, load{rate: 200, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{}, 0.93},
		"computing, 2 x":                     {1, load{rate: 400, compute: 5 * time.Millisecond}, admit.Limits{}, 0.99},
		"computing, 2 x, random":             {1, load{rate: 400, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{}, 0.99},
		"computing, 10 x, random":            {1, load{rate: 2000, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{}, 0.99},
		"computing, 10 x, four cores":        {4, load{rate: 8000, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{}, 0.97},
		"computing long, 3 x":                {1, load{rate: 30, poisson: true, compute: 100 * time.Millisecond}, admit.Limits{}, 0.7},
		"waiting only":                       {1, load{rate: 300, poisson: true, wait: 200 * time.Millisecond}, admit.Limits{}, 1},
		"waiting and computing, 0.8 x":       {1, load{rate: 800, poisson: true, wait: 50 * time.Millisecond, compute: time.Millisecond}, admit.Limits{}, 0.99},
		"waiting and computing, 2 x":         {1, load{rate: 2000, poisson: true, wait: 50 * time.Millisecond, compute: time.Millisecond}, admit.Limits{}, 0.97},
		"waiting and computing, 10 x":        {1, load{rate: 10000, poisson: true, wait: 50 * time.Millisecond, compute: time.Millisecond}, admit.Limits{}, 0.95},
		"waiting and computing alike, 3 x":   {2, load{rate: 1200, poisson: true, wait: 5 * time.Millisecond, compute: 5 * time.Millisecond}, admit.Limits{}, 0.95},
		"computing, fixed limit of two, 5 x": {1, load{rate: 1000, poisson: true, compute: 5 * time.Millisecond}, admit.Limits{Running: 2}, 0.99},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(test.cores)
				g := w.gate(test.limits, nil)
				var done sync.WaitGroup
				o := test.load.run(w, g, seconds, &done)
				done.Wait()
				possible := float64(o.asked)
				if c := test.load.compute.Seconds(); c > 0 {
					possible = min(possible, float64(test.cores)/c*(seconds-1))
				}
				got := float64(o.good) / possible
				t.Logf("%.3f of the possible; %d asked, %d shed; p50 %v, p99 %v; %+v", got, o.asked, o.shed, o.p(0.5), o.p(0.99), g.State())
				if got < test.want {
					t.Errorf("answered %.3f of what was possible within 250 ms, want %.3f", got, test.want)
				}
				if o.late > 3 { // whose forecast was wrong when nothing was known
					t.Errorf("%d refusals were late", o.late)
				}
			})
		})
	}
}

// TestCriticalUnderLoad has few critical requests among ten times as many
// sheddable ones as can be served.
func TestCriticalUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		g := w.gate(admit.Limits{}, nil)
		var done sync.WaitGroup
		flood := load{rate: 2000, poisson: true, class: admit.Sheddable, compute: 5 * time.Millisecond}
		few := load{rate: 20, poisson: true, class: admit.Critical, compute: 5 * time.Millisecond}
		flood.run(w, g, 4, &done)
		o := few.run(w, g, 4, &done)
		done.Wait()
		if got := float64(o.good) / float64(o.asked); got < 0.99 {
			t.Errorf("answered %.3f of the critical within 250 ms, want 0.99", got)
		}
	})
}

// TestNeighbour has another process take half of the core: that is no time in
// which the requests waited for something else.
func TestNeighbour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		g := w.gate(admit.Limits{}, nil)
		ctx, leave := context.WithCancel(t.Context())
		var neighbour, done sync.WaitGroup
		neighbour.Go(func() {
			for ctx.Err() == nil {
				w.cores <- struct{}{}
				pass(time.Millisecond)
				<-w.cores
			}
		})
		o := load{rate: 1000, poisson: true, compute: 5 * time.Millisecond}.run(w, g, 4, &done)
		done.Wait()
		leave()
		neighbour.Wait()
		answered := float64(o.good) / (100 * 3)
		if limit := g.State().Limit; answered < 0.97 || limit != 1 || o.late > 0 {
			t.Errorf("answered %.3f of what half a core can do, %d refusals late, limit %d; want 0.97, 0, 1", answered, o.late, limit)
		}
	})
}

// TestBurst has requests that mostly wait come together, where nobody was
// before: as long as the CPU is idle, none is shed or waits for others.
func TestBurst(t *testing.T) {
	tests := map[string]struct {
		many int
		wait time.Duration
		most time.Duration // for the last of them
	}{
		"a few":  {30, 20 * time.Millisecond, 60 * time.Millisecond},
		"many":   {500, 20 * time.Millisecond, 100 * time.Millisecond},
		"slowly": {60, 2 * time.Second, 2100 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				g := w.gate(admit.Limits{}, nil)
				once := load{rate: 5, wait: test.wait, compute: 100 * time.Microsecond}
				var done sync.WaitGroup
				once.run(w, g, 2, &done) // so that it knows them
				done.Wait()
				start := time.Now()
				for range test.many {
					done.Go(func() {
						p, err := g.Acquire(t.Context(), admit.Default)
						if err != nil {
							t.Errorf("%v: %+v", err, g.State())
							return
						}
						defer p.Release()
						pass(test.wait)
						w.compute(100 * time.Microsecond)
					})
				}
				done.Wait()
				if took := time.Since(start); took > test.most {
					t.Errorf("took %v, want at most %v", took, test.most)
				}
			})
		})
	}
}

// TestClosedLoop has clients that ask again as soon as they are answered, and so
// few that none waits for as long as is allowed: none is shed, though the CPU is
// never idle, and short and long requests are mixed.
func TestClosedLoop(t *testing.T) {
	tests := map[string]struct {
		clients int
		wait    time.Duration
		long    time.Duration // of one request in ten
		others  time.Duration
	}{
		"alike":             {40, 0, 2 * time.Millisecond, 2 * time.Millisecond},
		"mixed":             {50, 0, 10 * time.Millisecond, 500 * time.Microsecond},
		"mixed and waiting": {80, 20 * time.Millisecond, 5 * time.Millisecond, 500 * time.Microsecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				g := w.gate(admit.Limits{}, nil)
				var done sync.WaitGroup
				var asked, shed atomic.Int64
				start := time.Now()
				for i := range test.clients {
					random := rand.New(rand.NewPCG(1, uint64(i)))
					done.Go(func() {
						for time.Since(start) < 3*time.Second {
							asked.Add(1)
							p, err := g.Acquire(t.Context(), admit.Default)
							if err != nil {
								shed.Add(1)
								pass(10 * time.Millisecond)
								continue
							}
							pass(test.wait)
							if random.IntN(10) == 0 {
								w.compute(test.long)
							} else {
								w.compute(test.others)
							}
							p.Release()
						}
					})
				}
				done.Wait()
				if shed.Load() > 0 {
					t.Errorf("%d of %d were shed; %+v", shed.Load(), asked.Load(), g.State())
				}
			})
		})
	}
}

// TestLatency has requests wait for something that serves 500 a second, with
// three times as many asking.
func TestLatency(t *testing.T) {
	tests := map[string]struct {
		limits admit.Limits
		most   time.Duration // p50 of the answered
	}{
		"off": {admit.Limits{}, 2 * time.Second},
		"on":  {admit.Limits{Latency: 50 * time.Millisecond}, 200 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idle, database := newWorld(1), newWorld(1)
				g := idle.gate(test.limits, nil)
				var done sync.WaitGroup
				o := load{rate: 1500, poisson: true, compute: 2 * time.Millisecond}.run(database, g, 4, &done)
				done.Wait()
				answered := float64(o.asked-o.shed) / (500 * 3)
				t.Logf("%.3f answered, p50 %v, p99 %v; %+v", answered, o.p(0.5), o.p(0.99), g.State())
				if answered < 0.95 || o.p(0.5) > test.most {
					t.Errorf("%.3f of what can be served, p50 %v; want 0.95, %v", answered, o.p(0.5), test.most)
				}
			})
		})
	}
}
