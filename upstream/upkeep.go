package upstream

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

const (
	upkeepEvery  = 100 * time.Millisecond
	coarseEvery  = time.Millisecond
	busyLoans    = 20 // in upkeepEvery, from which on the coarse clock is kept
	retryLookup  = time.Second
	probesAtOnce = 16
)

// tend looks after everything until ctx ends. While connections are lent
// often it keeps the coarse clock as well.
func (m *Manager) tend(ctx context.Context) {
	every := time.NewTicker(upkeepEvery)
	defer every.Stop()
	fine := time.NewTicker(coarseEvery)
	fine.Stop()
	defer fine.Stop()
	for n := 1; ; {
		select {
		case <-ctx.Done():
			return
		case <-fine.C:
			m.clock.coarse.Store(int64(m.clock.now()))
		case <-every.C:
			busy := m.upkeep(n) >= busyLoans
			n++
			switch {
			case busy && m.clock.coarse.Load() == 0:
				fine.Reset(coarseEvery)
			case !busy:
				fine.Stop()
				m.clock.coarse.Store(0)
			}
			m.log.write(cmp.Or(m.Log, slog.Default()))
		}
	}
}

// upkeep does what is to be done now and then, and returns how many loans there
// have been since the last time.
func (m *Manager) upkeep(n int) (loans int64) {
	now := m.clock.now()
	for svc := range m.each {
		if !svc.begun.Load() {
			continue
		}
		loans += svc.collect()
		for e := range svc.all {
			e.upkeep(now, n)
		}
		for _, src := range svc.sources {
			svc.refresh(src)
		}
		if n%10 == 0 {
			svc.eachSecond(n / 10)
		}
	}
	return loans
}

// eachSecond forgets a little, and learns when to hedge.
func (s *service) eachSecond(n int) {
	s.budget.trickle()
	if at := s.conf.Retry.HedgeAt; at > 0 {
		const enough = 50
		if after, of := s.spread.quantile(at); of >= enough {
			s.hedgeAfter.Store(int64(after))
		}
	}
	const seconds = 10
	if n%seconds == 0 {
		s.spread.halve()
	}
}

// upkeep closes what has been idle for too long, or is too old, and probes what
// is down.
func (e *endpoint) upkeep(now instant, n int) {
	conf := &e.svc.conf
	for e.cullOldest(max(past, now.after(-conf.Pool.IdleTime)), causeIdle) {
	}
	for e.cullAged(now) {
	}
	e.latency.fade()
	e.mu.Lock()
	defer e.mu.Unlock()
	if n%10 == 0 {
		e.fade()
	}
	if e.payloads() {
		e.forgetPayloadsLocked(now)
	}
	if e.condition() != down || e.probing || now < e.retry || e.retired {
		return
	}
	limit := e.timeouts.Connect + e.timeouts.Handshake + max(0, e.timeouts.Response)
	e.probing = e.svc.m.tasks.Go(limit, e.probe)
}

// cullAged closes one idle connection that is too old.
func (e *endpoint) cullAged(now instant) bool {
	e.mu.Lock()
	for i, s := range e.idle {
		if s.dies <= now {
			copy(e.idle[i:], e.idle[i+1:])
			e.idle[len(e.idle)-1] = nil
			e.idle = e.idle[:len(e.idle)-1]
			e.mu.Unlock()
			e.drop(s, causeAge)
			return true
		}
	}
	e.mu.Unlock()
	return false
}

// collect adds what the endpoints have counted to the statistics.
func (s *service) collect() (loans int64) {
	var open, idle, dialing, busy, ailing int
	for e := range s.all {
		c := e.takeCounts(&open, &idle, &dialing)
		loans += c.loans
		s.instruments.loans.Add(c.loans)
		s.instruments.reused.Add(c.reused)
		s.instruments.dials.Add(c.dials)
		s.instruments.failures.Add(c.failures)
		s.instruments.read.Add(c.read)
		s.instruments.written.Add(c.written)
		for cause, n := range c.closed {
			if n > 0 {
				s.instruments.closed[cause].Add(n)
			}
		}
		busy += int(e.active.Load())
		if e.condition() == down {
			ailing++
		}
	}
	s.open.Set(float64(open))
	s.idle.Set(float64(idle))
	s.dialing.Set(float64(dialing))
	s.busy.Set(float64(busy))
	s.ailing.Set(float64(ailing))
	return loans
}

func (e *endpoint) takeCounts(open, idle, dialing *int) counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.count
	e.count = counts{}
	*open += len(e.open)
	*idle += len(e.idle)
	*dialing += e.dialing
	return c
}
