package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// who returns a function that tells who answers.
func who(t *testing.T, m *upstream.Manager, name string) func() string {
	return func() string {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		got, err := upstream.Call(ctx, m, name, ask)
		if err != nil {
			return err.Error()
		}
		return got
	}
}

func TestFile(t *testing.T) {
	a, b := supporttest.NewUpstream(t, nil, named("a")), supporttest.NewUpstream(t, nil, named("b"))
	path := filepath.Join(t.TempDir(), "addresses")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# the first\n" + a.Addr + " 3 # heavy\n\n")
	m := manager(t, "filed", upstream.Service{Tiers: []upstream.Tier{{File: path, Refresh: 10 * time.Millisecond}}})
	ask := who(t, m, "filed")
	if got := ask(); got != "a" {
		t.Fatalf("answer is %q", got)
	}
	write("nonsense without a port\n")
	eventually(t, "nobody says that the file makes no sense", func() bool { return len(m.State().Services[0].Errors) > 0 })
	if got := ask(); got != "a" {
		t.Errorf("with a file that makes no sense, the answer is %q", got)
	}
	write(b.Addr + "\n")
	eventually(t, "the new file is not used", func() bool { return ask() == "b" })
	eventually(t, "connections to the address that is gone stay", func() bool { return m.State().Open == 1 })
}

func TestFunc(t *testing.T) {
	a, b := supporttest.NewUpstream(t, nil, named("a")), supporttest.NewUpstream(t, nil, named("b"))
	var now atomic.Pointer[string]
	now.Store(&a.Addr)
	m := manager(t, "found", upstream.Service{Tiers: []upstream.Tier{{Refresh: 10 * time.Millisecond, Func: func(context.Context) ([]upstream.Address, error) {
		switch addr := *now.Load(); addr {
		case "fail":
			return nil, errors.New("no idea")
		case "panic":
			panic("no idea")
		default:
			return []upstream.Address{{Addr: addr}}, nil
		}
	}}}})
	ask := who(t, m, "found")
	if got := ask(); got != "a" {
		t.Fatalf("answer is %q", got)
	}
	for _, bad := range []string{"fail", "panic", "no port"} {
		now.Store(&bad)
		eventually(t, "nobody says that it fails", func() bool { return len(m.State().Services[0].Errors) > 0 })
		if got := ask(); got != "a" {
			t.Errorf("with %s, the answer is %q", bad, got)
		}
	}
	now.Store(&b.Addr)
	eventually(t, "what is found now is not used", func() bool { return ask() == "b" })
}

// TestDNS has names move, and DNS fail.
func TestDNS(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, named("here"))
	_, port, _ := net.SplitHostPort(u.Addr)
	host := func(ips ...string) func(string) supporttest.DNSAnswer {
		return func(string) supporttest.DNSAnswer {
			var a supporttest.DNSAnswer
			for _, ip := range ips {
				a.Addrs = append(a.Addrs, netip.MustParseAddr(ip))
			}
			return a
		}
	}
	hundred := make([]string, 100)
	for i := range hundred {
		hundred[i] = fmt.Sprintf("127.0.1.%d", i+1)
	}
	hundred[50] = "127.0.0.1"
	server := supporttest.NewDNS(t, host(hundred...))
	m := &upstream.Manager{}
	m.Names.Resolver = server.Resolver()
	m.Names.Limits.Refresh, m.Names.Limits.Negative = 10*time.Millisecond, 10*time.Millisecond
	defer m.Close()
	conf := at("db.example.:" + port)
	conf.Tiers[0].Refresh = 10 * time.Millisecond
	if err := m.Add("db", conf); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Get(context.Background(), "db"); err == nil {
		t.Log("the one of a hundred was found at once")
	}
	count := func() int { return len(m.State().Services[0].Tiers[0].Addresses) }
	if n := count(); n != 100 {
		t.Errorf("%d addresses; want 100", n)
	}
	server.Answer(host("127.0.0.1", "::1"))
	eventually(t, "the new answer is not used", func() bool { return count() == 2 })
	ask := who(t, m, "db")
	for range 5 {
		if got := ask(); got != "here" { // nobody is at ::1 with that port
			t.Errorf("answer is %q", got)
		}
	}
	server.Answer(func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{Fail: true} })
	asked := server.Asked()
	eventually(t, "DNS is not asked", func() bool { return server.Asked() > asked+4 })
	if got := ask(); got != "here" {
		t.Errorf("while DNS fails, the answer is %q", got)
	}
}

func TestSRVPriorities(t *testing.T) {
	first, second := supporttest.NewUpstream(t, nil, named("first")), supporttest.NewUpstream(t, nil, named("second"))
	port := func(u *supporttest.Upstream) uint16 {
		_, p, _ := net.SplitHostPort(u.Addr)
		n, _ := strconv.Atoi(p)
		return uint16(n)
	}
	server := supporttest.NewDNS(t, func(name string) supporttest.DNSAnswer {
		if name == "host.example" {
			return supporttest.DNSAnswer{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
		}
		return supporttest.DNSAnswer{SRV: []net.SRV{
			{Target: "host.example.", Port: port(second), Priority: 20, Weight: 1},
			{Target: "host.example.", Port: port(first), Priority: 10, Weight: 1},
		}}
	})
	m := &upstream.Manager{}
	m.Names.Resolver = server.Resolver()
	defer m.Close()
	if err := m.Add("srv", upstream.Service{Tiers: []upstream.Tier{{SRV: "_x._tcp.example."}}}); err != nil {
		t.Fatal(err)
	}
	ask := who(t, m, "srv")
	if got := ask(); got != "first" {
		t.Errorf("answer is %q", got)
	}
	first.Stop()
	if got := ask(); got != "second" {
		t.Errorf("with the first gone, the answer is %q", got)
	}
}

func TestNoAddress(t *testing.T) {
	server := supporttest.NewDNS(t, func(string) supporttest.DNSAnswer { return supporttest.DNSAnswer{} })
	m := &upstream.Manager{}
	m.Names.Resolver = server.Resolver()
	defer m.Close()
	if err := m.Add("db", at("db.example.:1")); err != nil {
		t.Fatal(err)
	}
	_, err := m.Get(context.Background(), "db")
	if !errors.Is(err, upstream.ErrNoAddress) {
		t.Errorf("error is %v", err)
	}
	contains(t, err, "db.example", "no such host")
}

func TestAddRefuses(t *testing.T) {
	tests := map[string]struct {
		conf upstream.Service
		want string
	}{
		"no tier":       {upstream.Service{}, "no Tiers"},
		"no address":    {upstream.Service{Tiers: []upstream.Tier{{}}}, "tier 1: it has no address"},
		"no port":       {at("example.net"), "give host:port"},
		"no host":       {at(":80"), "both host and port"},
		"port":          {at("example.net:many"), "many"},
		"two sources":   {upstream.Service{Tiers: []upstream.Tier{{SRV: "x", File: "y"}}}, "one of SRV, File and Func"},
		"weight":        {upstream.Service{Tiers: []upstream.Tier{{Addresses: []upstream.Address{{Addr: "a:1", Weight: -1}}}}}, "weight -1"},
		"share":         {upstream.Service{Tiers: at("a:1").Tiers, Health: upstream.Health{Cap: 2}}, "Health.Cap is 2"},
		"name is taken": {upstream.Service{Tiers: at("a:1").Tiers, Aliases: []string{"taken"}}, `"taken" is taken`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := manager(t, "taken", at("127.0.0.1:1"))
			contains(t, m.Add("new", test.conf), test.want)
		})
	}
}

// TestDescriptorsRunOut has the system refuse a descriptor.
func TestDescriptorsRunOut(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	var short atomic.Bool
	m := &upstream.Manager{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if short.Swap(false) {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}}
	defer m.Close()
	for _, name := range []string{"a", "b"} {
		if err := m.Add(name, at(u.Addr)); err != nil {
			t.Fatal(err)
		}
	}
	short.Store(true)
	_, err := m.Get(context.Background(), "a")
	if !errors.Is(err, upstream.ErrDescriptors) {
		t.Errorf("with none to spare: %v", err)
	}
	_ = get(t, m, "a").Release()
	short.Store(true)
	_ = get(t, m, "b").Release() // a's idle one makes room
	if n := m.State().Open; n != 1 {
		t.Errorf("%d are open; want 1", n)
	}
	if s := m.State().Services[0].Tiers[0].Addresses[0]; s.Failures > 0 {
		t.Errorf("the address is blamed: %+v", s)
	}
}

// TestM7Payload: nothing is kept unless it is asked for, and then masked.
func TestM7Payload(t *testing.T) {
	const secret = "password=hunter2"
	tests := map[string]struct {
		traffic upstream.Traffic
		want    string
	}{
		"off":    {upstream.Traffic{}, ""},
		"masked": {upstream.Traffic{Payload: 100}, "xxxxxxxx=xxxxxx0\n"},
		"short":  {upstream.Traffic{Payload: 8}, "xxxxxxxx"},
		"own":    {upstream.Traffic{Payload: 100, Mask: func([]byte) []byte { return []byte("?") }}, "?"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
			conf := at(u.Addr)
			conf.Traffic = test.traffic
			m := manager(t, "db", conf)
			for range 40 {
				conn := get(t, m, "db")
				if _, err := say(conn, secret); err != nil {
					t.Fatal(err)
				}
				_ = conn.Release()
			}
			recent := address(t, m, u.Addr).Recent
			if len(recent) != 32 {
				t.Fatalf("%d exchanges are kept", len(recent))
			}
			for _, x := range recent {
				if string(x.Request) != test.want || string(x.Response) != test.want || x.Sent != int64(len(secret))+1 || x.Answers != 1 {
					t.Fatalf("kept: %+v", x)
				}
			}
			if strings.Contains(fmt.Sprint(m.State()), "hunter") {
				t.Error("the secret is shown")
			}
		})
	}
}

func TestEarlierDeadlineWins(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Silent())
	conf := at(u.Addr)
	conf.Timeouts.Response = time.Hour
	m := manager(t, "silent", conf)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	conn, err := m.Get(ctx, "silent")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := conn.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := say(conn, "x"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

func TestStates(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	m := manager(t, "echo", at(u.Addr))
	a, b := get(t, m, "echo"), get(t, m, "echo")
	_ = a.Release()
	own, err := m.DialContext(context.Background(), "tcp", "echo:80")
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, c := range address(t, m, u.Addr).Conns {
		states = append(states, c.State)
	}
	slices.Sort(states)
	if want := []string{"idle", "lent", "own"}; !slices.Equal(states, want) {
		t.Errorf("states are %v; want %v", states, want)
	}
	_ = b.Release()
	_ = own.Close()
}
