package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/upstream"
)

// failure prints what callers notice when upstreams fail.
func failure() error {
	for _, kind := range []string{"reset", "blackhole", "slow"} {
		if err := oneOfThree(kind); err != nil {
			return err
		}
	}
	if err := hedging(); err != nil {
		return err
	}
	return outage()
}

// peer answers lines, in the way it is told to.
type peer struct {
	ln       net.Listener
	mode     atomic.Value // "", reset, blackhole, slow or sometimes
	requests atomic.Int64
	mu       sync.Mutex
	conns    map[net.Conn]bool
	opened   []time.Time
}

func newPeer(addr string) (*peer, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &peer{ln: ln, conns: make(map[net.Conn]bool)}
	p.mode.Store("")
	go serve(ln, p.serve)
	return p, nil
}

func (p *peer) serve(c net.Conn) {
	p.mu.Lock()
	p.conns[c] = true
	p.opened = append(p.opened, time.Now())
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
	}()
	for lines := bufio.NewReader(c); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		p.requests.Add(1)
		switch mode := p.mode.Load(); {
		case mode == "reset":
			_ = c.(*net.TCPConn).SetLinger(0)
			return
		case mode == "blackhole":
			continue
		case mode == "slow", mode == "sometimes" && rand.N(100) == 0:
			time.Sleep(200 * time.Millisecond)
		default:
			time.Sleep(2 * time.Millisecond) // what an answer takes
		}
		if _, err := c.Write(line); err != nil {
			return
		}
	}
}

// set changes what the peer does; those that reset do so at once.
func (p *peer) set(mode string) {
	p.mode.Store(mode)
	if mode != "reset" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

func (p *peer) die() {
	_ = p.ln.Close()
	p.set("reset")
}

// sample is one call.
type sample struct {
	at, took time.Duration
	failed   bool
	by       string
}

// load makes calls at a rate, whether the ones before have ended or not, and
// counts their time from when they were due.
func load(m *upstream.Manager, rate int, span time.Duration, at map[time.Duration]func()) []sample {
	var mu sync.Mutex
	var all []sample
	var wait sync.WaitGroup
	start := time.Now()
	moments := make([]time.Duration, 0, len(at))
	for moment := range at {
		moments = append(moments, moment)
	}
	slices.Sort(moments)
	for i := 0; ; i++ {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if due.Sub(start) > span {
			break
		}
		time.Sleep(time.Until(due))
		for len(moments) > 0 && due.Sub(start) >= moments[0] {
			at[moments[0]]()
			moments = moments[1:]
		}
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			by, err := upstream.Call(ctx, m, "echo", func(_ context.Context, c *upstream.Conn) (string, error) {
				_, err := roundTrip(c)
				return c.RemoteAddr().String(), err
			})
			mu.Lock()
			defer mu.Unlock()
			all = append(all, sample{due.Sub(start), time.Since(due), err != nil, by})
			if err != nil {
				fmt.Println("   ", err)
			}
		})
	}
	wait.Wait()
	return all
}

// p99 returns the 99th percentile of the calls that were due in a span.
func p99(all []sample, from, to time.Duration) float64 { return quantile(all, 0.99, from, to) }

func quantile(all []sample, q float64, from, to time.Duration) float64 {
	var ms []float64
	for _, s := range all {
		if s.at >= from && s.at < to {
			ms = append(ms, float64(s.took)/1e6)
		}
	}
	if len(ms) == 0 {
		return 0
	}
	return at(ms, q)
}

func failures(all []sample) (n int) {
	for _, s := range all {
		if s.failed {
			n++
		}
	}
	return n
}

// peers starts n peers.
func peers(n int) (all []*peer, addrs []string, err error) {
	for range n {
		p, err := newPeer("127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		all, addrs = append(all, p), append(addrs, p.ln.Addr().String())
	}
	return all, addrs, nil
}

func oneOfThree(kind string) error {
	all, addrs, err := peers(3)
	if err != nil {
		return err
	}
	m := &upstream.Manager{Log: slog.New(slog.DiscardHandler)}
	defer m.Close()
	if err := m.Add("echo", upstream.Service{
		Tiers:    []upstream.Tier{upstream.At(addrs...)},
		Timeouts: upstream.Timeouts{Response: 250 * time.Millisecond},
		Retry:    upstream.Retry{HedgeAt: 0.97},
	}); err != nil {
		return err
	}
	const dies, ends = 3 * time.Second, 7 * time.Second
	samples := load(m, 1000, ends, map[time.Duration]func(){dies: func() {
		if kind == "reset" {
			all[0].die()
		} else {
			all[0].set(kind)
		}
	}})
	attempts := int64(0)
	for _, p := range all {
		attempts += p.requests.Load()
	}
	fmt.Printf("one of three dies, %-10s failed %d of %d; attempts %.3f x; p99 before %.1f ms", kind, failures(samples), len(samples),
		float64(attempts)/float64(len(samples)), p99(samples, time.Second, dies))
	for after := time.Duration(0); after < 3*time.Second; after += 500 * time.Millisecond {
		fmt.Printf(", +%v %.1f", after+500*time.Millisecond, p99(samples, dies+after, dies+after+500*time.Millisecond))
	}
	fmt.Println()
	return nil
}

func hedging() error {
	for _, at := range []float64{0, 0.97} {
		all, addrs, err := peers(3)
		if err != nil {
			return err
		}
		for _, p := range all {
			p.set("sometimes")
		}
		m := &upstream.Manager{Log: slog.New(slog.DiscardHandler)}
		if err := m.Add("echo", upstream.Service{
			Tiers: []upstream.Tier{upstream.At(addrs...)},
			Retry: upstream.Retry{HedgeAt: at},
		}); err != nil {
			return err
		}
		samples := load(m, 500, 10*time.Second, nil)
		attempts := int64(0)
		for _, p := range all {
			attempts += p.requests.Load()
		}
		p95 := quantile(samples, 0.95, 3*time.Second, time.Hour)
		p99 := quantile(samples, 0.99, 3*time.Second, time.Hour)
		fmt.Printf("1 %% of answers slow by 100 x, hedge at %.2f: p50 %.1f p95 %.1f p99 %.1f p99.5 %.1f ms, p99 = %.2f x p95; attempts %.3f x; failed %d\n",
			at, quantile(samples, 0.5, 3*time.Second, time.Hour), p95, p99, quantile(samples, 0.995, 3*time.Second, time.Hour), p99/p95, float64(attempts)/float64(len(samples)), failures(samples))
		_ = m.Close()
	}
	return nil
}

func outage() error {
	first, firstAddrs, err := peers(2)
	if err != nil {
		return err
	}
	second, secondAddrs, err := peers(2)
	if err != nil {
		return err
	}
	m := &upstream.Manager{Log: slog.New(slog.DiscardHandler)}
	defer m.Close()
	if err := m.Add("echo", upstream.Service{
		Tiers:  []upstream.Tier{upstream.At(firstAddrs...), upstream.At(secondAddrs...)},
		Health: upstream.Health{Down: 500 * time.Millisecond, MaxDown: time.Second, Ramp: time.Second},
	}); err != nil {
		return err
	}
	const dies, back, ends = 3 * time.Second, 6 * time.Second, 10 * time.Second
	var returned []*peer
	var began time.Time
	samples := load(m, 1000, ends, map[time.Duration]func(){
		0: func() { began = time.Now() },
		dies: func() {
			for _, p := range first {
				p.die()
			}
		},
		back: func() {
			for _, addr := range firstAddrs {
				p, err := newPeer(addr)
				check(err)
				returned = append(returned, p)
			}
		},
	})
	isFirst := func(s sample) bool { return slices.Contains(firstAddrs, s.by) }
	var onFallback, backAgain time.Duration
	for _, s := range samples {
		if !s.failed && !isFirst(s) && (onFallback == 0 || s.at < onFallback) {
			onFallback = s.at
		}
		if !s.failed && isFirst(s) && s.at > back && (backAgain == 0 || s.at < backAgain) {
			backAgain = s.at
		}
	}
	marked := time.Duration(0)
	for _, d := range m.State().Decisions {
		if d.Kind == upstream.DecideDown && slices.Contains(firstAddrs, d.Address) {
			if at := d.Time.Sub(began); marked == 0 || at > marked {
				marked = min(at, back)
			}
		}
	}
	fmt.Printf("a tier dies and comes back: failed %d of %d; last mark-down %v after the death, first answer of the fallback %v after it; first answer of the tier %v after its return\n",
		failures(samples), len(samples), (marked - dies).Round(time.Millisecond), (onFallback - dies).Round(time.Millisecond), (backAgain - back).Round(time.Millisecond))
	fmt.Printf("    connects in any 100 ms: steady %d, to the fallback at most %d, on return at most %d\n",
		mostOpened(first), mostOpened(second), mostOpened(returned))
	return nil
}

// mostOpened returns the most connections that were accepted in any 100 ms.
func mostOpened(all []*peer) (most int) {
	var at []time.Time
	for _, p := range all {
		p.mu.Lock()
		at = append(at, p.opened...)
		p.mu.Unlock()
	}
	slices.SortFunc(at, time.Time.Compare)
	for i := range at {
		n := 0
		for n+i < len(at) && at[i+n].Sub(at[i]) < 100*time.Millisecond {
			n++
		}
		most = max(most, n)
	}
	return most
}
