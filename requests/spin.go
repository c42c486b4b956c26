package requests

import (
	"cmp"
	"context"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/support-go/support/internal/goroutines"
)

// SpinWatch finds requests whose handlers compute for long without a pause: work
// that belongs into a lane of package offload, where it is not looked for. It
// finds a single one, while all others have processors, and those that share
// one. When the process itself waits, since others have the machine, or where its
// CPU time is not known, it finds none. Zero fields take the defaults.
type SpinWatch struct {
	Recorders func() []*Recorder // required; asked at each look
	Limit     time.Duration      // of computing; default 150 ms
	Report    func(Spin)         // required; called at most once a second, and once for a request
}

// Spin is a request that computes.
type Spin struct {
	Running
	For   time.Duration // so long at least
	Stack Stack         // of the handler
}

const (
	spinEvery  = 50 * time.Millisecond // between two looks
	spinShare  = 50                    // a look takes a fiftieth of the time at most
	reportSpin = time.Second
	laneFrame  = "/offload." // is in each stack that computes in a lane
)

// Run looks twenty times a second, until ctx ends. A look costs 70 ns, unless
// something computes and a request is older than two looks: then it costs 1.6 µs for
// each goroutine, and stops them for some 30 µs, so that with very many
// goroutines there are fewer looks.
func (w SpinWatch) Run(ctx context.Context) {
	w.Limit = cmp.Or(w.Limit, 150*time.Millisecond)
	seen := make(map[*visit]spinning)
	counts := []metrics.Sample{
		{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/goroutines/runnable:goroutines"},
	}
	var reported time.Time
	timer := time.NewTimer(spinEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		metrics.Read(counts)
		if counts[0].Value.Uint64()+counts[1].Value.Uint64() <= 1 { // this goroutine
			clear(seen)
		} else if w.look(seen); time.Since(reported) >= reportSpin && w.report(seen) {
			reported = time.Now()
		}
		timer.Reset(max(spinEvery, spinShare*time.Since(began)))
	}
}

// spinning is a request that each look since then has found computing.
type spinning struct {
	id    ID
	since time.Time
	cpu   time.Duration // of the process, at that time
	stack string
	told  bool
}

// look brings seen up to date.
func (w SpinWatch) look(seen map[*visit]spinning) {
	now := time.Now()
	suspects := w.suspects()
	found := make(map[*visit]string)
	if len(suspects) > 0 {
		goroutines.Each(func(stack string) {
			if v := suspects[slotOf(stack)]; v != nil && strings.Contains(stack, handlerFrame) &&
				!strings.Contains(stack, laneFrame) && goroutines.Compute(stack) {
				found[v] = stack
			}
		})
	}
	for v, s := range seen {
		if found[v] == "" || !v.runs(s.id) {
			delete(seen, v)
		}
	}
	for v, stack := range found {
		s, known := seen[v]
		if !known { // of the request that runs now, though it may have come since
			s.since, s.cpu = now, goroutines.CPUTime()
			v.show(func() { s.id = v.id() })
		}
		s.stack = stack
		seen[v] = s
	}
}

// suspects are the requests that have been running since the last look, by the
// label of their goroutines.
func (w SpinWatch) suspects() map[string]*visit {
	old := make(map[string]*visit)
	for _, rec := range w.Recorders() {
		now := rec.now()
		for _, v := range rec.visits.visits() {
			v.show(func() {
				if now-v.start >= int64(spinEvery) {
					old[rec.slotName(v.slot)] = v
				}
			})
		}
	}
	return old
}

// report reports a request that has computed for long enough, if there is one.
func (w SpinWatch) report(seen map[*visit]spinning) bool {
	for v, s := range seen {
		took := time.Since(s.since)
		if took >= w.Limit && !s.told && goroutines.CPUTime()-s.cpu > took/2 { // else others have the machine
			var l line
			if !v.runs(s.id) || !v.show(func() { l.read(v) }) {
				continue
			}
			s.told = true
			seen[v] = s
			spin := Spin{Running: l.running(v.recorder.now()), For: took}
			if stacks := parseStacks(s.stack, v.recorder.slotName(v.slot)); len(stacks) > 0 {
				spin.Stack = stacks[0].within()
			}
			w.Report(spin)
			return true
		}
	}
	return false
}

// slotOf is the label that a stack has for its request, or "".
func slotOf(stack string) string {
	_, rest, labelled := strings.Cut(stack, strconv.Quote(slotLabel)+`:"`)
	if !labelled {
		return ""
	}
	slot, _, _ := strings.Cut(rest, `"`)
	return slot
}
