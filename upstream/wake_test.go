package upstream_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// TestWakesTheNext has one caller give up at the moment when what it waits for
// happens: the one behind it must not wait for ever.
func TestWakesTheNext(t *testing.T) {
	tests := map[string]func(*upstream.Conn) error{
		"released": (*upstream.Conn).Release,
		"closed":   (*upstream.Conn).Close,
		"failed": func(c *upstream.Conn) error {
			c.Fail(errors.New("nonsense"))
			return c.Release()
		},
	}
	for name, giveBack := range tests {
		t.Run(name, func(t *testing.T) {
			u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
			conf := at(u.Addr)
			conf.Pool.Max = 1
			conf.Health.Failures, conf.Health.Cap = 1<<30, 0.01
			m := manager(t, "one", conf)
			for range 50 {
				held := get(t, m, "one")
				ctx, cancel := context.WithCancel(context.Background())
				var waiting sync.WaitGroup
				waiting.Go(func() {
					if conn, err := m.Get(ctx, "one"); err == nil {
						_ = conn.Release()
					}
				})
				eventually(t, "the first does not wait", func() bool { return address(t, m, u.Addr).Waiting == 1 })
				waiting.Go(func() { take(t, m, "one") })
				eventually(t, "the second does not wait", func() bool { return address(t, m, u.Addr).Waiting == 2 })
				waiting.Go(cancel)
				_ = giveBack(held)
				waiting.Wait()
			}
			if a := address(t, m, u.Addr); a.Active != 0 || a.Waiting != 0 {
				t.Errorf("after all: %d active, %d waiting", a.Active, a.Waiting)
			}
		})
	}
}

// take borrows a connection, which must not take long, and releases it.
func take(t *testing.T, m *upstream.Manager, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := m.Get(ctx, name)
	if err != nil {
		t.Error(err)
		return
	}
	_ = conn.Release()
}

// TestWakesAfterFailure has the one connection that is being made for two
// callers fail as the first gives up: the second is told, or gets another.
func TestWakesAfterFailure(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	for range 50 {
		fail := make(chan struct{})
		var dials atomic.Int64
		m := &upstream.Manager{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				<-fail
				return nil, errors.New("no luck")
			}
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		}}
		conf := at(u.Addr)
		conf.Pool.Max = 1
		if err := m.Add("one", conf); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var waiting sync.WaitGroup
		for _, ctx := range []context.Context{ctx, context.Background()} {
			waiting.Go(func() {
				conn, err := m.Get(ctx, "one")
				if err == nil {
					_ = conn.Release()
				}
			})
		}
		eventually(t, "they do not wait", func() bool { return address(t, m, u.Addr).Waiting == 2 })
		waiting.Go(cancel)
		close(fail)
		waiting.Wait()
		if a := address(t, m, u.Addr); a.Active != 0 || a.Waiting != 0 {
			t.Errorf("after all: %d active, %d waiting", a.Active, a.Waiting)
		}
		_ = m.Close()
	}
}

// TestNobodyIsForgotten has many callers share few connections of two services
// under one limit, lose some of them and give up at any moment.
func TestNobodyIsForgotten(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	m := &upstream.Manager{Max: 3}
	conf := at(u.Addr)
	conf.Pool.Max = 2
	conf.Timeouts.Connect = patience // waiting for a place counts
	conf.Timeouts.Stagger = patience
	for _, name := range []string{"a", "b"} {
		if err := m.Add(name, conf); err != nil {
			t.Fatal(err)
		}
	}
	impatient := make(chan context.CancelFunc, 100)
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			name := []string{"a", "b"}[i%2]
			for n := range 150 {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				if n%3 == 0 {
					impatient <- cancel
				}
				conn, err := m.Get(ctx, name)
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, upstream.ErrDescriptors) {
					t.Error(err)
				}
				select {
				case giveUp := <-impatient:
					callers.Go(giveUp)
				default:
				}
				if err == nil {
					if n%5 == 0 {
						_ = conn.Close()
					}
					_ = conn.Release()
				}
				cancel()
			}
		})
	}
	callers.Wait()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "connections are left", func() bool { return m.State().Open == 0 })
}
