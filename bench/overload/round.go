package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// round is one subject under one load.
type round struct {
	Kind     string
	Procs    int     // in the environment; 0 for none
	Times    float64 // the capacity
	Kept     bool
	Random   bool
	Mix      string // see mixes
	Proto    string // see the constants
	Pause    time.Duration
	Length   time.Duration
	Critical bool // all but 20 requests a second are sheddable
}

// The protocols.
const (
	plain     = "http1"
	encrypted = "tls"
	http2     = "h2"
)

// result is what was measured in a round.
type result struct {
	Capacity   float64 // requests a second, mean of before and after
	Drift      float64 // of the capacity, as a part of it
	Share      float64 // answers on time after the first second, of the capacity
	First      float64 // the same in the first second
	Useful     float64 // answers on time for its CPU time, of those that net/http gives for as much
	P50, P99   time.Duration
	Refused    int
	Late       time.Duration // p99 of refusals
	Latest     time.Duration
	Unanswered int // neither served nor refused
	Timeouts   int
	Growth     float64       // MiB, at the peak
	Kept       float64       // MiB, some time after the load
	Normal     time.Duration // after the end of the load until an answer within 50 ms
	Served     float64       // of the critical requests, on time
	Own        float64       // part of the first core that the server had under load
	Others     float64       // part that other programs and the kernel had
	Stolen     float64       // part that the host took
}

// bench has what all rounds share.
type bench struct {
	work   int
	settle time.Duration // after the load, before memory is looked at again
	dir    string
}

// rate is what a server does.
type rate struct {
	second    float64 // answers in a second
	cpuSecond float64 // answers in a second of its CPU time
}

// capacity is what bare net/http does with a few clients.
func (b *bench) capacity(s *server, r round) (rate, error) {
	clients := 4
	if r.Pause > 0 || r.Mix == "waiting" {
		clients = 64
	}
	c := newClient(s.addr, r.Proto, r.Kept || r.Proto == plain)
	defer c.close()
	const length = 1200 * time.Millisecond
	before, err := s.usage()
	if err != nil {
		return rate{}, err
	}
	second := c.closed(context.Background(), r.Mix, clients, length)
	after, err := s.usage()
	if err == nil && second == 0 {
		err = fmt.Errorf("net/http answers nothing over %s", r.Proto)
	}
	used := max(after.server-before.server, tick)
	return rate{second, second * length.Seconds() / used.Seconds()}, err
}

func (b *bench) run(r round) (result, error) {
	bare, err := b.start("net/http", r)
	if err != nil {
		return result{}, err
	}
	defer bare.stop()
	s, err := b.start(r.Kind, r)
	if err != nil {
		return result{}, err
	}
	defer s.stop()
	before, err := b.capacity(bare, r)
	if err != nil {
		return result{}, err
	}
	c := newClient(s.addr, r.Proto, r.Kept)
	defer c.close()
	c.open(stream{"/", r.Mix, before.second / 2, r.Random}, time.Second) // an ordinary second, so that it is warm
	if err := s.forgetPeak(); err != nil {
		return result{}, err
	}
	idle, err := s.memory("VmRSS")
	if err != nil {
		return result{}, err
	}
	usedBefore, err := s.usage()
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	answers, critical := flood(c, r, before.second)
	took := time.Since(start).Seconds()
	used, err := s.usage()
	if err != nil {
		return result{}, err
	}
	normal := normal(c)
	peak, err := s.memory("VmHWM")
	if err != nil {
		return result{}, err
	}
	c.close()
	time.Sleep(b.settle)
	later, err := s.memory("VmRSS")
	if err != nil {
		return result{}, err
	}
	after, err := b.capacity(bare, r)
	if err != nil {
		return result{}, err
	}
	m := judge(answers, r.Length, (before.second+after.second)/2)
	m.Drift = after.second/before.second - 1
	good := onTimeShare(slices.Concat(answers, critical)) * float64(len(answers)+len(critical))
	m.Useful = good / (used.server - usedBefore.server).Seconds() / ((before.cpuSecond + after.cpuSecond) / 2)
	m.Growth, m.Kept, m.Normal, m.Served = peak-idle, later-idle, normal, onTimeShare(critical)
	m.Own = (used.server - usedBefore.server).Seconds() / took
	m.Others = (used.all-usedBefore.all).Seconds()/took - m.Own
	m.Stolen = (used.stolen - usedBefore.stolen).Seconds() / took
	return m, nil
}

func flood(c *client, r round, capacity float64) (answers, critical []answer) {
	path := "/"
	done := make(chan []answer, 1)
	if r.Critical {
		path = "/sheddable"
		go func() { done <- c.open(stream{"/critical", r.Mix, 20, r.Random}, r.Length) }()
	} else {
		done <- nil
	}
	answers = c.open(stream{path, r.Mix, r.Times * capacity, r.Random}, r.Length)
	return answers, <-done
}

// normal is the time until the server answers as quickly as when it is idle.
func normal(c *client) time.Duration {
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
func judge(answers []answer, length time.Duration, capacity float64) result {
	r := result{Capacity: capacity}
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
			r.Unanswered++
		}
		if a.late {
			r.Timeouts++
		}
	}
	r.First = first / capacity
	r.Share = later / (capacity * (length.Seconds() - 1))
	r.P50, r.P99 = quantile(served, 0.5), quantile(served, 0.99)
	r.Refused, r.Late, r.Latest = len(refused), quantile(refused, 0.99), quantile(refused, 1)
	return r
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}
