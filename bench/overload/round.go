package main

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// round is one subject under one load.
type round struct {
	kind     string
	procs    int     // in the environment; 0 for none
	times    float64 // the capacity
	kept     bool
	random   bool
	pause    time.Duration
	length   time.Duration
	critical bool // all but 20 requests a second are sheddable
}

// result is what was measured of a round.
type result struct {
	capacity   float64 // requests a second, mean of before and after
	drift      float64 // of the capacity, as a part of it
	share      float64 // answers on time after the first second, of the capacity
	first      float64 // the same in the first second
	p50, p99   time.Duration
	refused    int
	late       time.Duration // p99 of refusals
	latest     time.Duration
	unanswered int // neither served nor refused
	timeouts   int
	growth     float64       // MiB, at the peak
	normal     time.Duration // after the end of the load until an answer within 50 ms
	served     float64       // of the critical requests, on time
}

// bench has what all rounds share.
type bench struct {
	work int
	bare map[time.Duration]*server // for the capacity, by pause
	dir  string
}

// capacity is what bare net/http does with a few clients.
func (b *bench) capacity(pause time.Duration) float64 {
	clients := 4
	if pause > 0 {
		clients = 64
	}
	c := newClient(b.bare[pause].addr, true)
	defer c.close()
	return c.closed(context.Background(), clients, 1200*time.Millisecond)
}

func (b *bench) run(r round) (*result, error) {
	s, err := start(r.kind, b.work, r.pause, r.procs, b.dir)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	before := b.capacity(r.pause)
	c := newClient(s.addr, r.kept)
	defer c.close()
	c.open("/", before/2, r.random, time.Second) // an ordinary second, so that it is warm
	if err := s.forgetPeak(); err != nil {
		return nil, err
	}
	idle, err := s.memory("VmRSS")
	if err != nil {
		return nil, err
	}
	answers, critical := flood(c, r, before)
	normal := b.normal(c)
	peak, err := s.memory("VmHWM")
	if err != nil {
		return nil, err
	}
	c.close()
	after := b.capacity(r.pause)
	result := judge(answers, r.length, (before+after)/2)
	result.drift = after/before - 1
	result.growth, result.normal, result.served = peak-idle, normal, onTimeShare(critical)
	return result, nil
}

func flood(c *client, r round, capacity float64) (answers, critical []answer) {
	path := "/"
	done := make(chan []answer, 1)
	if r.critical {
		path = "/sheddable"
		go func() { done <- c.open("/critical", 20, r.random, r.length) }()
	} else {
		done <- nil
	}
	answers = c.open(path, r.times*capacity, r.random, r.length)
	return answers, <-done
}

// normal is the time until the server answers as quickly as when it is idle.
func (b *bench) normal(c *client) time.Duration {
	start := time.Now()
	for {
		sent := time.Now()
		if a := c.ask("/", start, sent); a.code == http.StatusOK && a.took < 50*time.Millisecond || sent.Sub(start) > 10*time.Second {
			return sent.Sub(start)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func onTimeShare(answers []answer) float64 {
	good := 0
	for _, a := range answers {
		if a.code == http.StatusOK && a.took <= onTime {
			good++
		}
	}
	return float64(good) / float64(max(len(answers), 1))
}

// judge counts goodput by the second in which an answer came.
func judge(answers []answer, length time.Duration, capacity float64) *result {
	r := &result{capacity: capacity}
	var served, refused []time.Duration
	var first, later float64
	for _, a := range answers {
		switch a.code {
		case http.StatusOK:
			served = append(served, a.took)
			if at := a.due + a.took; a.took <= onTime && at < time.Second {
				first++
			} else if a.took <= onTime && at < length {
				later++
			}
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			refused = append(refused, a.took)
		default:
			r.unanswered++
		}
		if a.late {
			r.timeouts++
		}
	}
	r.first = first / capacity
	r.share = later / (capacity * (length.Seconds() - 1))
	r.p50, r.p99 = quantile(served, 0.5), quantile(served, 0.99)
	r.refused, r.late, r.latest = len(refused), quantile(refused, 0.99), quantile(refused, 1)
	return r
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}
