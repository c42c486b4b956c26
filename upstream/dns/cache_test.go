package dns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream/dns"
)

func answering(ips ...string) func(string) supporttest.DNSAnswer {
	var addrs []netip.Addr
	for _, ip := range ips {
		addrs = append(addrs, netip.MustParseAddr(ip))
	}
	return func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{Addrs: addrs} }
}

func failing(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{Fail: true} }

func TestAddrs(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("10.0.0.%d", i+1)
	}
	tests := map[string]struct {
		answer func(string) supporttest.DNSAnswer
		want   int
	}{
		"one":              {answering("10.0.0.1"), 1},
		"both families":    {answering("10.0.0.1", "2001:db8::1"), 2},
		"twice the same":   {answering("10.0.0.1", "10.0.0.1"), 1},
		"a hundred":        {answering(many...), 100},
		"no such name":     {func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{} }, 0},
		"no records":       {func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{Empty: true} }, 0},
		"the server fails": {failing, 0},
		"no answer":        {func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{Silent: true} }, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := supporttest.NewDNS(t, test.answer)
			c := dns.Cache{Resolver: server.Resolver()}
			c.Limits.Timeout = 500 * time.Millisecond
			if test.want > 0 {
				c.Limits.Timeout = time.Minute
			}
			defer c.Close()
			addrs, err := c.Addrs(context.Background(), "db.example.")
			if len(addrs) != test.want || (err == nil) != (test.want > 0) {
				t.Fatalf("%d addresses, %v; want %d", len(addrs), err, test.want)
			}
			var dnsErr *net.DNSError
			if err != nil && !errors.As(err, &dnsErr) {
				t.Errorf("error is %T, %v", err, err)
			}
			asked := server.Asked()
			_, again := c.Addrs(context.Background(), "db.example.")
			if (again == nil) != (err == nil) || server.Asked() != asked {
				t.Errorf("asked again: %v, %d questions more", again, server.Asked()-asked)
			}
		})
	}
}

// TestU6StaleIfError: what was known is given while DNS fails, within a limit.
func TestU6StaleIfError(t *testing.T) {
	server := supporttest.NewDNS(t, answering("10.0.0.1"))
	c := dns.Cache{Resolver: server.Resolver(), Limits: dns.Limits{Refresh: time.Millisecond, Stale: 2 * time.Second, Negative: time.Millisecond}}
	defer c.Close()
	if _, err := c.Addrs(context.Background(), "db.example."); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	server.Answer(failing)
	for {
		addrs, err := c.Addrs(context.Background(), "db.example.")
		if err != nil {
			if time.Since(began) < time.Second {
				t.Errorf("given up after %v: %v", time.Since(began), err)
			}
			break
		}
		if len(addrs) != 1 {
			t.Fatalf("answer is %v", addrs)
		}
		if time.Since(began) > 30*time.Second {
			t.Fatal("it goes on for ever")
		}
	}
	server.Answer(answering("10.0.0.2"))
	end := time.Now().Add(30 * time.Second)
	for time.Now().Before(end) {
		addrs, err := c.Addrs(context.Background(), "db.example.")
		if err == nil && slices.Equal(addrs, []netip.Addr{netip.MustParseAddr("10.0.0.2")}) {
			return
		}
	}
	t.Error("the new answer never comes")
}

// TestU4NamesAreBounded: the original's cache never evicted.
func TestU4NamesAreBounded(t *testing.T) {
	server := supporttest.NewDNS(t, failing)
	c := dns.Cache{Resolver: server.Resolver(), Limits: dns.Limits{Names: 50}}
	defer c.Close()
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for j := range 100 {
				_, _ = c.Addrs(context.Background(), fmt.Sprintf("n%d-%d.example.", i, j))
			}
		})
	}
	wait.Wait()
	if n := c.Len(); n > 50 {
		t.Errorf("%d names; want at most 50", n)
	}
}

func TestContextEnds(t *testing.T) {
	server := supporttest.NewDNS(t, func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{Silent: true} })
	c := dns.Cache{Resolver: server.Resolver(), Limits: dns.Limits{Timeout: time.Minute}}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Addrs(ctx, "db.example."); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	_ = c.Close() // ends the look-up, which has a minute
	if _, err := c.Addrs(context.Background(), "db.example."); !errors.Is(err, dns.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestSRV(t *testing.T) {
	server := supporttest.NewDNS(t, func(string) supporttest.DNSAnswer {
		return supporttest.DNSAnswer{SRV: []net.SRV{
			{Target: "b.example.", Port: 2, Priority: 20, Weight: 1}, {Target: "a.example.", Port: 1, Priority: 10, Weight: 1},
		}}
	})
	c := dns.Cache{Resolver: server.Resolver()}
	defer c.Close()
	records, err := c.SRV(context.Background(), "_db._tcp.example.")
	if err != nil || len(records) != 2 || records[0].Target != "a.example." {
		t.Errorf("records are %v, %v", records, err)
	}
}

func ExampleCache() {
	var names dns.Cache
	defer names.Close()
	addrs, err := names.Addrs(context.Background(), "127.0.0.1")
	fmt.Println(addrs, err)
	// Output: [127.0.0.1] <nil>
}
