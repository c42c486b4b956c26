package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// onTime is the latency of a good answer.
const onTime = 250 * time.Millisecond

// mixes say what the next request asks for; on average it is the CPU time that
// all requests take by default.
var mixes = map[string]func() string{
	"same": func() string { return "" },
	"sizes": func() string { // one in ten takes eleven times as long as the others
		if rand.IntN(10) == 0 {
			return "?times=5.5"
		}
		return "?times=0.5"
	},
	"waiting": func() string { // every other one asks a database, and computes a tenth as much as the rest
		if rand.IntN(2) == 0 {
			return "?times=0.18&pause=20ms"
		}
		return "?times=1.82"
	},
}

// answer is what became of one request.
type answer struct {
	due  time.Duration // since the beginning
	took time.Duration // from the moment that it was due
	code int           // 0 for none
	late bool          // no answer in the client's time
}

// ask sends one request, which was due at a time.
func (c *client) ask(path string, start, due time.Time) answer {
	code, err := c.code(path, due)
	a := answer{due: due.Sub(start)}
	a.took = time.Since(due)
	if err == nil {
		a.code = code
	}
	a.late = a.took >= patience
	return a
}

// stream is a sequence of requests.
type stream struct {
	path   string
	mix    string
	rate   float64 // a second
	random bool    // arrivals are those of a Poisson process
}

// open sends requests at a rate, however long they take, until the time is
// over, and returns when the last has been answered.
func (c *client) open(s stream, length time.Duration) []answer {
	var mu sync.Mutex
	var answers []answer
	var pending sync.WaitGroup
	start, next := time.Now(), mixes[s.mix]
	for due := start; due.Sub(start) < length; {
		time.Sleep(time.Until(due))
		at, path := due, s.path+next()
		pending.Go(func() {
			a := c.ask(path, start, at)
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, a)
		})
		gap := 1.0
		if s.random {
			gap = rand.ExpFloat64()
		}
		due = due.Add(time.Duration(gap / s.rate * float64(time.Second)))
	}
	pending.Wait()
	return answers
}

// closed sends one request after another over a few connections, and returns
// how many were answered in a second.
func (c *client) closed(ctx context.Context, mix string, connections int, length time.Duration) float64 {
	var all sync.WaitGroup
	counts := make([]int, connections)
	start, next := time.Now(), mixes[mix]
	for i := range connections {
		all.Go(func() {
			for ctx.Err() == nil && time.Since(start) < length {
				if c.ask("/"+next(), start, time.Now()).code == http.StatusOK {
					counts[i]++
				}
			}
		})
	}
	all.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(start).Seconds()
}
