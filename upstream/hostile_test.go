package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// TestU1BadAnswers has one upstream, which answers badly: each call ends in a
// clear error, soon, and in little memory.
func TestU1BadAnswers(t *testing.T) {
	tests := map[string]struct {
		behave supporttest.Behaviour
		want   error
	}{
		"half a message, then the end": {supporttest.SayAndClose("half"), io.ErrUnexpectedEOF},
		"the end":                      {supporttest.SayAndClose(""), io.EOF},
		"endless":                      {supporttest.Endless(), netbuf.ErrTooLong},
		"nothing":                      {supporttest.Silent(), os.ErrDeadlineExceeded},
		"a drip":                       {supporttest.Drip(20*time.Millisecond, "a very long answer indeed that takes two seconds to arrive as a whole, byte for byte, and some more\n"), os.ErrDeadlineExceeded},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u := supporttest.NewUpstream(t, nil, test.behave)
			conf := quick(at(u.Addr))
			conf.Retry.Attempts = 1
			m := manager(t, "evil", conf)
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			_, err := upstream.Call(ctx, m, "evil", ask)
			if !errors.Is(err, test.want) {
				t.Errorf("error is %v; want %v", err, test.want)
			}
			if conns := address(t, m, u.Addr).Conns; len(conns) > 0 {
				t.Errorf("kept: %v", conns)
			}
		})
	}
}

// TestU2LeftOver has an upstream send a second answer that nobody asked for.
func TestU2LeftOver(t *testing.T) {
	for _, after := range []time.Duration{0, 5 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			poisoned := make(chan struct{}, 1000)
			u := supporttest.NewUpstream(t, nil, func(_ context.Context, conn net.Conn, u *supporttest.Upstream) {
				var b [64]byte
				for {
					n, err := conn.Read(b[:])
					if err != nil {
						return
					}
					_, _ = conn.Write(b[:n])
					if after > 0 {
						<-time.NewTimer(after).C // the peer takes its time
					}
					_, _ = conn.Write([]byte("poison\n"))
					poisoned <- struct{}{}
				}
			})
			m := manager(t, "evil", at(u.Addr))
			for i := range 50 {
				question := fmt.Sprintf("question %d\n", i)
				conn := get(t, m, "evil")
				if _, err := io.WriteString(conn, question); err != nil {
					t.Fatal(err)
				}
				b := make([]byte, len(question)) // exactly the answer, and no further
				if _, err := io.ReadFull(conn, b); err != nil || string(b) != question {
					t.Fatalf("answer to %q is %q, %v", question, b, err)
				}
				<-poisoned
				_ = conn.Release()
			}
		})
	}
}

// TestU3RetryStorm has every call fail: few of them are repeated.
func TestU3RetryStorm(t *testing.T) {
	var addrs []string
	var all []*supporttest.Upstream
	for range 3 {
		u := supporttest.NewUpstream(t, nil, supporttest.Reset())
		all = append(all, u)
		addrs = append(addrs, u.Addr)
	}
	m := manager(t, "down", quick(at(addrs...)))
	const calls = 1000
	for range calls {
		if _, err := upstream.Call(context.Background(), m, "down", ask); err == nil {
			t.Fatal("no error")
		}
	}
	attempts := 0
	for _, u := range all {
		attempts += u.Requests()
	}
	if ratio := float64(attempts) / calls; ratio > 1.1 || ratio < 0.9 {
		t.Errorf("%d attempts for %d calls; want at most 1.1 times as many", attempts, calls)
	}
}

// TestU4Egress has DNS point inside: nothing is connected to.
func TestU4Egress(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	_, port, _ := net.SplitHostPort(u.Addr)
	for _, ip := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "100.64.0.1", "fd00::1", "0.0.0.0"} {
		t.Run(ip, func(t *testing.T) {
			server := supporttest.NewDNS(t, func(string) supporttest.DNSAnswer {
				return supporttest.DNSAnswer{Addrs: []netip.Addr{netip.MustParseAddr(ip)}}
			})
			m := &upstream.Manager{Egress: upstream.PublicOnly}
			m.Names.Resolver = server.Resolver()
			defer m.Close()
			if err := m.Add("evil", at("evil.example.:"+port)); err != nil {
				t.Fatal(err)
			}
			_, err := m.Get(context.Background(), "evil")
			if !errors.Is(err, upstream.ErrRefused) && !errors.Is(err, upstream.ErrNoAddress) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if n := u.Accepted(); n != 0 {
		t.Errorf("%d connections have been made", n)
	}
	if err := upstream.PublicOnly(netip.MustParseAddr("192.0.9.1")); err != nil {
		t.Errorf("a public address is refused: %v", err)
	}
}

func TestU4NothingIsDialledAtTheStart(t *testing.T) {
	server := supporttest.NewDNS(t, func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{} })
	m := &upstream.Manager{Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, errors.New("no")
	}}
	m.Names.Resolver = server.Resolver()
	if err := m.Add("db", at("db.example.:1", "127.0.0.1:1")); err != nil {
		t.Fatal(err)
	}
	_ = m.State()
	_ = m.Transport()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if server.Asked() != 0 {
		t.Error("DNS has been asked")
	}
}

// TestU6AllTiersDown has every tier fail: the last is still tried, and the error
// names all.
func TestU6AllTiersDown(t *testing.T) {
	a, b, c := deadAddr(t), deadAddr(t), deadAddr(t)
	m := manager(t, "gone", quick(upstream.Service{Tiers: []upstream.Tier{upstream.At(a, b), upstream.At(c)}}))
	for range 20 {
		_, err := m.Get(context.Background(), "gone")
		contains(t, err, a, b, c, "refused")
		var ne net.Error
		if !errors.As(err, &ne) || ne.Timeout() {
			t.Fatalf("error is %T, %v", err, err)
		}
	}
}

// TestEndOfContext cancels at each step: the caller returns at once.
func TestEndOfContext(t *testing.T) {
	silentDNS := supporttest.NewDNS(t, func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{Silent: true} })
	silent := supporttest.NewUpstream(t, nil, supporttest.Silent())
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	secure, pool := at(silent.Addr), at(silent.Addr)
	secure.TLS = tlsTo(t)
	secure.Timeouts.Handshake = time.Minute
	pool.Pool.Max = 1
	tests := map[string]struct {
		conf  upstream.Service
		dial  func(context.Context, string, string) (net.Conn, error)
		begin func(*testing.T, *upstream.Manager)
		call  bool
	}{
		"look-up":   {conf: at("db.example.:1")},
		"connect":   {conf: at("10.0.0.1:1"), dial: hang},
		"handshake": {conf: secure},
		"wait":      {conf: pool, begin: func(t *testing.T, m *upstream.Manager) { _ = get(t, m, "x") }},
		"answer":    {conf: at(silent.Addr), call: true},
	}
	for name, test := range tests {
		for _, how := range []string{"cancelled", "deadline"} {
			t.Run(name+" "+how, func(t *testing.T) {
				m := &upstream.Manager{Dial: test.dial}
				m.Names.Resolver = silentDNS.Resolver()
				m.Names.Limits.Timeout = time.Minute
				test.conf.Timeouts.Lookup = time.Minute
				if err := m.Add("x", test.conf); err != nil {
					t.Fatal(err)
				}
				if test.begin != nil {
					test.begin(t, m)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
				want := context.DeadlineExceeded
				if how == "cancelled" {
					ctx, cancel = context.WithCancel(context.Background())
					want = context.Canceled
					time.AfterFunc(30*time.Millisecond, cancel)
				}
				defer cancel()
				start := time.Now()
				var err error
				if test.call {
					_, err = upstream.Call(ctx, m, "x", ask)
				} else {
					_, err = m.Get(ctx, "x")
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				var ne net.Error
				if !errors.As(err, &ne) || !errors.Is(err, want) && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("error is %T, %v; want %v", err, err, want)
				}
				if err := m.Close(); err != nil {
					t.Error(err)
				}
				if left := goroutines(); left != "" {
					t.Errorf("goroutines are left:\n%s", left)
				}
			})
		}
	}
}

// TestRow11Flapping has three upstreams take turns at failing in every way.
func TestRow11Flapping(t *testing.T) {
	var all []*supporttest.Upstream
	var addrs []string
	for range 3 {
		u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
		all, addrs = append(all, u), append(addrs, u.Addr)
	}
	conf := quick(at(addrs...))
	conf.Retry.Attempts = 4
	m := manager(t, "flapping", conf)
	bad := []supporttest.Behaviour{supporttest.Reset(), supporttest.Silent(), supporttest.Slow(time.Minute, echo), supporttest.SayAndClose("par")}

	stop := make(chan struct{})
	var wait sync.WaitGroup
	var mu sync.Mutex
	calls, failed := 0, 0
	for range 4 {
		wait.Go(func() {
			pace := time.NewTicker(2 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pace.C:
				}
				_, err := upstream.Call(context.Background(), m, "flapping", judge)
				mu.Lock()
				calls++
				if err != nil {
					failed++
					t.Log(err)
				}
				mu.Unlock()
			}
		})
	}
	turn := time.NewTicker(250 * time.Millisecond)
	defer turn.Stop()
	for i := range 12 {
		<-turn.C
		u := all[i/2%3]
		if i%2 == 0 {
			u.Behave(bad[i/2%len(bad)])
			u.Reset()
		} else {
			u.Behave(supporttest.Lines(echo))
			u.Reset()
		}
	}
	close(stop)
	wait.Wait()
	attempts := 0
	for _, u := range all {
		attempts += u.Requests()
	}
	if float64(failed) > 0.001*float64(calls) || float64(attempts) > 1.1*float64(calls) {
		t.Errorf("%d of %d calls failed, with %d attempts", failed, calls, attempts)
	}
	t.Logf("%d calls, %d attempts", calls, attempts)
}

func TestManyGoroutines(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	conf := at(u.Addr)
	conf.Pool.Max = 8
	m := manager(t, "busy", conf)
	var wait sync.WaitGroup
	for i := range 64 {
		wait.Go(func() {
			for j := range 20 {
				want := fmt.Sprintf("%d-%d", i, j)
				got, err := upstream.Call(context.Background(), m, "busy", func(_ context.Context, c *upstream.Conn) (string, error) { return say(c, want) })
				if got != want || err != nil {
					t.Errorf("answer to %s is %q, %v", want, got, err)
					return
				}
				runtime.Gosched()
			}
		})
	}
	wait.Wait()
	if n := u.Accepted(); n > 8 {
		t.Errorf("%d connections; the limit is 8", n)
	}
}
