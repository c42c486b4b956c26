package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// quick has everything happen soon.
func quick(conf upstream.Service) upstream.Service {
	conf.Health.Down = 50 * time.Millisecond
	conf.Health.MaxDown = 100 * time.Millisecond
	conf.Health.Ramp = -1
	conf.Timeouts.Response = 100 * time.Millisecond
	return conf
}

func TestTiers(t *testing.T) {
	first := supporttest.NewUpstream(t, nil, named("first"))
	second := supporttest.NewUpstream(t, nil, named("second"))
	conf := quick(upstream.Service{Tiers: []upstream.Tier{upstream.At(first.Addr), upstream.At(second.Addr)}})
	m := manager(t, "two", conf)
	who := func() string {
		name, err := upstream.Call(context.Background(), m, "two", ask)
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	if got := who(); got != "first" {
		t.Errorf("with both up, %q answers", got)
	}
	first.Stop()
	for range 10 {
		if got := who(); got != "second" {
			t.Errorf("with the first down, %q answers", got)
		}
	}
	eventually(t, "the first is not marked down", func() bool {
		who()
		return address(t, m, first.Addr).State == "down"
	})
	first.Restart(t)
	eventually(t, "the first does not come back", func() bool { return who() == "first" })
}

func TestMarkDown(t *testing.T) {
	tests := map[string]supporttest.Behaviour{
		"resets":        supporttest.Reset(),
		"says nothing":  supporttest.Silent(),
		"closes":        supporttest.SayAndClose(""),
		"half a line":   supporttest.SayAndClose("half"),
		"never ends":    supporttest.Endless(),
		"is slow":       supporttest.Slow(time.Minute, echo),
		"drips for all": supporttest.Drip(200*time.Millisecond, "a long answer\n"),
	}
	for name, behave := range tests {
		t.Run(name, func(t *testing.T) {
			bad := supporttest.NewUpstream(t, nil, behave)
			good := supporttest.NewUpstream(t, nil, named("good"))
			third := supporttest.NewUpstream(t, nil, named("good"))
			conf := quick(at(bad.Addr, good.Addr, third.Addr))
			conf.Health.Failures = 2
			conf.Health.Down = time.Hour
			conf.Health.MaxDown = time.Hour
			conf.Retry.Burst = 1000
			m := manager(t, "bad", conf)
			eventually(t, "it is not marked down", func() bool {
				got, err := upstream.Call(context.Background(), m, "bad", judge)
				if err != nil || got != "good" {
					t.Fatalf("answer is %q, %v", got, err)
				}
				return address(t, m, bad.Addr).State == "down"
			})
			if a := address(t, m, bad.Addr); a.Why == "" || a.Retry.IsZero() || a.Since.IsZero() {
				t.Errorf("state is %+v", a)
			}
			decisions := map[upstream.DecisionKind]int{}
			for _, d := range m.State().Decisions {
				decisions[d.Kind]++
			}
			if decisions[upstream.DecideDown] != 1 || decisions[upstream.DecideRetry] == 0 {
				t.Errorf("decisions are %v", decisions)
			}
		})
	}
}

// judge calls everything but a line a failure of the address.
func judge(ctx context.Context, conn *upstream.Conn) (string, error) {
	answer, err := ask(ctx, conn)
	if err != nil {
		conn.Fail(err)
	}
	return answer, err
}

// TestNeverAllDown has every address of the only tier fail.
func TestNeverAllDown(t *testing.T) {
	var addrs []string
	for range 4 {
		addrs = append(addrs, supporttest.NewUpstream(t, nil, supporttest.Reset()).Addr)
	}
	conf := quick(at(addrs...))
	conf.Health.Down, conf.Health.MaxDown = time.Hour, time.Hour
	m := manager(t, "buggy", conf)
	for range 100 {
		if _, err := upstream.Call(context.Background(), m, "buggy", ask); err == nil {
			t.Fatal("no error")
		}
	}
	down := 0
	for _, a := range addrs {
		if address(t, m, a).State == "down" {
			down++
		}
	}
	if down != 2 {
		t.Errorf("%d of 4 are down; want 2, which is the cap", down)
	}
}

// TestAllRefuse has every address of the last tier refuse connections: they are
// tried all the same, so that the first that returns is found at once.
func TestAllRefuse(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, named("back"))
	u.Stop()
	conf := quick(at(u.Addr, deadAddr(t)))
	conf.Health.Down, conf.Health.MaxDown = time.Hour, time.Hour
	m := manager(t, "gone", conf)
	for range 20 {
		_, err := m.Get(context.Background(), "gone")
		contains(t, err, u.Addr, "refused")
	}
	if s := address(t, m, u.Addr).State; s != "down" {
		t.Errorf("state is %q", s)
	}
	u.Restart(t)
	got, err := upstream.Call(context.Background(), m, "gone", ask)
	if got != "back" || err != nil {
		t.Errorf("answer is %q, %v", got, err)
	}
	if s := address(t, m, u.Addr).State; s != "up" {
		t.Errorf("state is %q", s)
	}
}

func TestHalfOpen(t *testing.T) {
	bad := supporttest.NewUpstream(t, nil, supporttest.Reset())
	good := supporttest.NewUpstream(t, nil, named("good"))
	m := manager(t, "flaky", quick(upstream.Service{Tiers: []upstream.Tier{upstream.At(bad.Addr), upstream.At(good.Addr)}}))
	eventually(t, "it is not marked down", func() bool {
		_, _ = upstream.Call(context.Background(), m, "flaky", ask)
		return address(t, m, bad.Addr).State == "down"
	})
	eventually(t, "no trial begins", func() bool { return address(t, m, bad.Addr).State == "trial" })
	_, _ = upstream.Call(context.Background(), m, "flaky", ask) // the trial, which fails
	if a := address(t, m, bad.Addr); a.State != "down" {
		t.Errorf("after a trial that failed it is %s", a.State)
	}
	bad.Behave(named("bad"))
	eventually(t, "it does not come back", func() bool {
		_, _ = upstream.Call(context.Background(), m, "flaky", ask)
		return address(t, m, bad.Addr).State == "up"
	})
}

// TestTimesDownGrow has an address fail each of its trials: it stays away for
// twice as long each time, less a fifth at random, up to MaxDown.
func TestTimesDownGrow(t *testing.T) {
	bad := supporttest.NewUpstream(t, nil, supporttest.Reset())
	good := supporttest.NewUpstream(t, nil, named("good"))
	conf := quick(upstream.Service{Tiers: []upstream.Tier{upstream.At(bad.Addr), upstream.At(good.Addr)}})
	conf.Health.MaxDown = 200 * time.Millisecond
	m := manager(t, "growing", conf)
	var before time.Time
	for i, milliseconds := range []int{50, 100, 200, 200} {
		want := time.Duration(milliseconds) * time.Millisecond
		var a upstream.AddressState
		eventually(t, "it is not marked down again", func() bool {
			_, _ = upstream.Call(context.Background(), m, "growing", ask)
			a = address(t, m, bad.Addr)
			return a.State == "down" && a.Since.After(before)
		})
		before = a.Since
		if away := a.Retry.Sub(a.Since); away > want || away < want*4/5 {
			t.Errorf("time %d it stays away for %v, want %v less a fifth at most", i+1, away, want)
		}
	}
}

func TestProbe(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Reset())
	good := supporttest.NewUpstream(t, nil, named("good"))
	conf := quick(upstream.Service{Tiers: []upstream.Tier{upstream.At(u.Addr), upstream.At(good.Addr)}})
	conf.Health.Probe = func(ctx context.Context, conn *upstream.Conn) error {
		if answer, err := ask(ctx, conn); err != nil || answer != "fine" {
			return fmt.Errorf("answer is %q, %w", answer, err)
		}
		return nil
	}
	m := manager(t, "probed", conf)
	eventually(t, "it is not marked down", func() bool {
		_, _ = upstream.Call(context.Background(), m, "probed", ask)
		return address(t, m, u.Addr).State == "down"
	})
	u.Behave(named("loading"))
	seen := u.Requests()
	eventually(t, "it is not probed", func() bool { return u.Requests() >= seen+2 })
	if s := address(t, m, u.Addr).State; s != "down" {
		t.Errorf("probes have failed, and it is %s", s)
	}
	u.Behave(named("fine"))
	eventually(t, "it does not come back", func() bool { return address(t, m, u.Addr).State == "up" })
}

// TestWeights: the original preferred low weights.
func TestWeights(t *testing.T) {
	heavy := supporttest.NewUpstream(t, nil, named("heavy"))
	light := supporttest.NewUpstream(t, nil, named("light"))
	m := manager(t, "weighted", upstream.Service{Tiers: []upstream.Tier{{Addresses: []upstream.Address{
		{Addr: light.Addr}, {Addr: heavy.Addr, Weight: 4},
	}}}})
	count := map[string]int{}
	for range 1000 {
		who, err := upstream.Call(context.Background(), m, "weighted", ask)
		if err != nil {
			t.Fatal(err)
		}
		count[who]++
	}
	// 800 expected, with a standard deviation of 13; one that is much slower
	// for a while on a busy machine gets less.
	if count["heavy"] < 600 || count["light"] < 20 {
		t.Errorf("shares are %v; want 4 to 1", count)
	}
}

func TestAppErrorsAreAnswers(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	m := manager(t, "echo", at(u.Addr))
	wrong := errors.New("no such key")
	calls := 0
	_, err := upstream.Call(context.Background(), m, "echo", func(ctx context.Context, conn *upstream.Conn) (int, error) {
		calls++
		_, err := ask(ctx, conn)
		return 0, errors.Join(err, wrong)
	})
	if !errors.Is(err, wrong) || calls != 1 {
		t.Errorf("error is %v after %d calls", err, calls)
	}
}
