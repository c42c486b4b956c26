package upstream_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// attempts is a Manager.Dial that notes when each address was asked. The first
// does as first says, and takes so long; the others connect after 10 ms.
type attempts struct {
	first error // nil for one that does not answer
	takes time.Duration

	mu    sync.Mutex
	began time.Time
	at    []time.Duration
	addrs []string
}

func (a *attempts) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	a.mu.Lock()
	a.at = append(a.at, time.Since(a.began))
	a.addrs = append(a.addrs, addr)
	n := len(a.at)
	a.mu.Unlock()
	if n > 1 {
		connecting, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		<-connecting.Done()
		ours, _ := net.Pipe()
		return ours, ctx.Err()
	}
	if a.first == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	failing, cancel := context.WithTimeout(ctx, a.takes)
	defer cancel()
	<-failing.Done()
	return nil, a.first
}

// TestStagger: RFC 8305, section 5: the next address, of the other family, is
// tried after a delay, or as soon as the one before has failed.
func TestStagger(t *testing.T) {
	refused := errors.New("refused")
	tests := map[string]struct {
		addrs   []string
		stagger time.Duration
		dial    *attempts
		want    time.Duration // until the second is tried
	}{
		"silent":            {[]string{"192.0.2.1:1", "[2001:db8::1]:1"}, 0, &attempts{}, 250 * time.Millisecond},
		"silent, near":      {[]string{"10.0.0.1:1", "[fd00::1]:1"}, 0, &attempts{}, 50 * time.Millisecond},
		"silent, set":       {[]string{"192.0.2.1:1", "[2001:db8::1]:1"}, time.Second, &attempts{}, time.Second},
		"refuses at once":   {[]string{"192.0.2.1:1", "[2001:db8::1]:1"}, 0, &attempts{first: refused}, 0},
		"refuses in 100 ms": {[]string{"192.0.2.1:1", "[2001:db8::1]:1"}, 0, &attempts{first: refused, takes: 100 * time.Millisecond}, 100 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := test.dial
				d.began = time.Now()
				m := &upstream.Manager{Dial: d.dial, Log: slog.New(slog.DiscardHandler)}
				defer m.Close()
				conf := at(test.addrs...)
				conf.Timeouts.Stagger = test.stagger
				if err := m.Add("far", conf); err != nil {
					t.Fatal(err)
				}
				conn, err := m.Get(context.Background(), "far")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if took, want := time.Since(d.began), test.want+10*time.Millisecond; took != want {
					t.Errorf("it took %v; want %v", took, want)
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				if !slices.Equal(d.at, []time.Duration{0, test.want}) || d.addrs[0] == d.addrs[1] {
					t.Errorf("%v asked at %v; want both, the second at %v", d.addrs, d.at, test.want)
				}
			})
		})
	}
}

// TestPanicThreshold marks three of four addresses down and lets them recover:
// they are used before their time only where one of four is too few.
func TestPanicThreshold(t *testing.T) {
	tests := map[string]struct {
		threshold float64
		used      bool
	}{
		"one is too few": {0.3, true},
		"one is enough":  {0.2, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			good := supporttest.NewUpstream(t, nil, named("good"))
			bad := make([]*supporttest.Upstream, 3)
			addrs := []string{good.Addr}
			for i := range bad {
				bad[i] = supporttest.NewUpstream(t, nil, supporttest.Reset())
				addrs = append(addrs, bad[i].Addr)
			}
			conf := quick(at(addrs...))
			conf.Timeouts.Response = patience
			conf.Health.Failures, conf.Health.Cap, conf.Health.Panic = 2, 1, test.threshold
			conf.Health.Down, conf.Health.MaxDown = time.Hour, time.Hour
			conf.Retry.Burst, conf.Retry.Attempts = 1000, 4
			m := manager(t, "few", conf)
			eventually(t, "they are not marked down", func() bool {
				_, _ = upstream.Call(context.Background(), m, "few", ask)
				return !slices.ContainsFunc(bad, func(u *supporttest.Upstream) bool { return address(t, m, u.Addr).State != "down" })
			})
			for _, u := range bad {
				u.Behave(named("recovered"))
			}
			recovered := 0
			for range 200 {
				who, err := upstream.Call(context.Background(), m, "few", ask)
				if err != nil {
					t.Fatal(err)
				}
				if who == "recovered" {
					recovered++
				}
			}
			if (recovered > 0) != test.used {
				t.Errorf("%d of 200 calls went to those marked down; want some: %v", recovered, test.used)
			}
		})
	}
}
