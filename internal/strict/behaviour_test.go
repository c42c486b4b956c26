package strict_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support/internal/strict"
)

// peer is a server's side of one connection in the hands of a test.
type peer struct {
	net.Conn
	in *bufio.Reader
}

// request reads one whole request and returns its id.
func (p *peer) request() string {
	r, err := http.ReadRequest(p.in)
	if err != nil {
		return ""
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return r.Header.Get("X-Request-Id")
}

// say writes text in which %id stands for the id.
func (p *peer) say(id, text string) {
	_, _ = io.WriteString(p, strings.ReplaceAll(text, "%id", id))
}

// reset makes the coming close a reset.
func (p *peer) reset() { _ = p.Conn.(*net.TCPConn).SetLinger(0) }

// misbehave serves every connection with serve, which may return at any time;
// the connection is closed then. All is over when the test is.
func misbehave(t *testing.T, network string, serve func(p *peer)) (addr string) {
	t.Helper()
	addr = "127.0.0.1:0"
	if network == "unix" {
		addr = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				serve(&peer{conn, bufio.NewReader(conn)})
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = ln.Close()
		wg.Wait()
	})
	return ln.Addr().String()
}

const good = "HTTP/1.1 200 OK\r\nX-Request-Id: %id\r\nContent-Length: 22\r\n\r\n%id"

// TestMisbehaviour shows each kind of bad server to the client, which must
// name it rightly.
func TestMisbehaviour(t *testing.T) {
	type counts = map[strict.Outcome]int64
	const stranger = "00000000-0000-00000000"
	tests := map[string]struct {
		serve    func(p *peer)
		load     strict.Load // one connection, unless it says more
		want     counts
		unclosed int64
	}{
		"right": {
			serve: func(p *peer) { p.say(p.request(), good) },
			want:  counts{strict.Answered: 4},
		},
		"kept and right": {
			serve: func(p *peer) {
				for id := p.request(); id != ""; id = p.request() {
					p.say(id, good)
				}
			},
			load: strict.Load{Mode: strict.Kept},
			want: counts{strict.Answered: 4},
		},
		"in chunks": {
			serve: func(p *peer) {
				p.say(p.request(), "HTTP/1.1 200 OK\r\nx-request-id:%id\r\nTransfer-Encoding: chunked\r\n\r\n16;a=b\r\n%id\r\n0\r\nT: 1\r\n\r\n")
			},
			want: counts{strict.Answered: 4},
		},
		"after interim answers": {
			serve: func(p *peer) { p.say(p.request(), "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"+good) },
			want:  counts{strict.Answered: 4},
		},
		"until the end of the connection": {
			serve: func(p *peer) { p.say(p.request(), "HTTP/1.1 200 OK\r\nX-Request-Id: %id\r\n\r\n%id") },
			load:  strict.Load{Mode: strict.Kept},
			want:  counts{strict.Answered: 4},
		},
		"announced close": {
			serve: func(p *peer) {
				p.say(p.request(), good)
				p.say(p.request(), strings.Replace(good, "\r\n", "\r\nConnection: x, Close\r\n", 1))
			},
			load: strict.Load{Mode: strict.Kept},
			want: counts{strict.Answered: 4},
		},
		"announced close that never comes": {
			serve: func(p *peer) {
				p.say(p.request(), strings.Replace(good, "\r\n", "\r\nConnection: close\r\n", 1))
				p.request()
			},
			load:     strict.Load{Mode: strict.Kept, Limits: strict.Limits{Requests: 1, Timeout: 2 * time.Second}},
			want:     counts{strict.Answered: 1},
			unclosed: 1,
		},
		"more after an announced close": {
			serve:    func(p *peer) { p.say(p.request(), good+"HTTP/1.1") },
			want:     counts{strict.Answered: 4},
			unclosed: 4,
		},
		"503": {
			serve: func(p *peer) { p.say(p.request(), "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy") },
			want:  counts{strict.Shed: 4},
		},
		"503 before reading a large body": {
			serve: func(p *peer) { p.say("", "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy") },
			load:  strict.Load{Mode: strict.Kept, Ask: strict.Ask{Post: 8 << 20}},
			want:  counts{strict.Shed: 4},
		},
		"503 cut short": {
			serve: func(p *peer) { p.say(p.request(), "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbu") },
			want:  counts{strict.Truncated: 4},
		},
		"another id": {
			serve: func(p *peer) { p.request(); p.say(stranger, good) },
			want:  counts{strict.Misdirected: 4},
		},
		"answers shifted by one": {
			serve: func(p *peer) {
				p.say(p.request(), good+good)
				for p.request() != "" {
				}
			},
			load: strict.Load{Mode: strict.Kept},
			want: counts{strict.Answered: 2, strict.Misdirected: 2},
		},
		"no id": {
			serve: func(p *peer) { p.say(p.request(), "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n%id") },
			want:  counts{strict.Wrong: 4},
		},
		"other bytes": {
			serve: func(p *peer) {
				p.say(p.request(), "HTTP/1.1 200 OK\r\nX-Request-Id: %id\r\nContent-Length: 22\r\n\r\n"+stranger)
			},
			want: counts{strict.Wrong: 4},
		},
		"too few bytes": {
			serve: func(p *peer) { p.say(p.request(), "HTTP/1.1 200 OK\r\nX-Request-Id: %id\r\nContent-Length: 0\r\n\r\n") },
			want:  counts{strict.Wrong: 4},
		},
		"500": {
			serve: func(p *peer) { p.say(p.request(), strings.Replace(good, "200 OK", "500 Oops", 1)) },
			want:  counts{strict.Wrong: 4},
		},
		"no HTTP": {
			serve: func(p *peer) { p.request(); p.say("", "SSH-2.0-OpenSSH\r\n") },
			want:  counts{strict.Wrong: 4},
		},
		"ends before the answer": {
			serve: func(p *peer) { p.request() },
			want:  counts{strict.Lost: 4},
		},
		"resets before the answer": {
			serve: func(p *peer) { p.request(); p.reset() },
			want:  counts{strict.Lost: 4},
		},
		"ends in the status line": {
			serve: func(p *peer) { p.request(); p.say("", "HT") },
			want:  counts{strict.Truncated: 4},
		},
		"ends in the header": {
			serve: func(p *peer) { p.request(); p.say("", "HTTP/1.1 200 OK\r\nX-") },
			want:  counts{strict.Truncated: 4},
		},
		"ends in the body": {
			serve: func(p *peer) { p.say(p.request(), good[:len(good)-1]) },
			want:  counts{strict.Truncated: 4},
		},
		"ends in a chunk": {
			serve: func(p *peer) {
				p.say(p.request(), "HTTP/1.1 200 OK\r\nX-Request-Id: %id\r\nTransfer-Encoding: chunked\r\n\r\n16\r\n%id")
			},
			want: counts{strict.Truncated: 4},
		},
		"resets in the body": {
			serve: func(p *peer) { p.say(p.request(), good[:len(good)-1]); p.reset() },
			want:  counts{strict.Truncated: 4},
		},
		"stops in the body": {
			serve: func(p *peer) { p.say(p.request(), good[:len(good)-1]); p.request() },
			load:  strict.Load{Limits: strict.Limits{Timeout: 20 * time.Millisecond}},
			want:  counts{strict.Hung: 4},
		},
		"kills kept connections": {
			serve: func(p *peer) { p.say(p.request(), good) },
			load:  strict.Load{Mode: strict.Kept},
			want:  counts{strict.Answered: 2, strict.Stale: 2},
		},
		"resets kept connections": {
			serve: func(p *peer) { p.say(p.request(), good); p.request(); p.reset() },
			load:  strict.Load{Mode: strict.Kept},
			want:  counts{strict.Answered: 2, strict.Stale: 2},
		},
		"kills kept connections while idle": {
			serve: func(p *peer) { p.say(p.request(), good) },
			load:  strict.Load{Mode: strict.Kept, Pace: strict.Pace{Idle: 2 * time.Millisecond}},
			want:  counts{strict.Answered: 2, strict.Stale: 2},
		},
		"cuts the answer on a kept connection": {
			serve: func(p *peer) { p.say(p.request(), good); p.say(p.request(), good[:40]) },
			load:  strict.Load{Mode: strict.Kept},
			want:  counts{strict.Answered: 2, strict.Truncated: 2},
		},
		"hangs": {
			serve: func(p *peer) { p.request(); p.request() },
			load:  strict.Load{Limits: strict.Limits{Timeout: 20 * time.Millisecond}},
			want:  counts{strict.Hung: 4},
		},
		"ends on a unix socket": {
			serve: func(p *peer) { p.say(p.request(), good) },
			load:  strict.Load{Mode: strict.Kept, Target: strict.Target{Network: "unix"}},
			want:  counts{strict.Answered: 2, strict.Stale: 2},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			load := test.load
			load.Target.Addr = misbehave(t, defaultTo(load.Target.Network, "tcp"), test.serve)
			load.Conns = 1
			if load.Limits.Requests == 0 {
				load.Limits.Requests = 4
			}
			report := run(t, context.Background(), load)
			var want strict.Counts
			for o, n := range test.want {
				want[o] = n
			}
			if got := report.Total(); got != want {
				t.Errorf("got %v, want %v; %v", got, want, report.L0Strict())
			}
			if got := report.Loads[0].Unclosed; got != test.unclosed {
				t.Errorf("got %d unclosed, want %d; %v", got, test.unclosed, report.Closed())
			}
		})
	}
}

// TestRefused asks where nobody listens.
func TestRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	for network, addr := range map[string]string{"tcp": ln.Addr().String(), "unix": filepath.Join(t.TempDir(), "none")} {
		report := run(t, context.Background(), strict.Load{
			Target: strict.Target{Network: network, Addr: addr}, Conns: 1, Limits: strict.Limits{Requests: 3},
		})
		if got, want := report.Total(), (strict.Counts{strict.Refused: 3}); got != want {
			t.Errorf("%s: got %v, want %v", network, got, want)
		}
	}
}

// TestHandshakeFails speaks TLS to servers that do not: nothing was sent, so
// the requests count as refused.
func TestHandshakeFails(t *testing.T) {
	tests := map[string]struct {
		serve func(p *peer)
		mode  strict.Mode
	}{
		"ends":      {func(p *peer) { _, _ = p.in.ReadByte() }, strict.Fresh},
		"plain":     {func(p *peer) { p.say("", good) }, strict.Kept},
		"no h2":     {secured(t, "http/1.1"), strict.HTTP2},
		"ends late": {secured(t), strict.HTTP2},
	}
	for name, test := range tests {
		report := run(t, context.Background(), strict.Load{
			Mode: test.mode, Conns: 1, Streams: 1, Limits: strict.Limits{Requests: 2},
			Target: strict.Target{Addr: misbehave(t, "tcp", test.serve), TLS: &tls.Config{InsecureSkipVerify: true}},
		})
		if got, want := report.Total(), (strict.Counts{strict.Refused: 2}); got != want {
			t.Errorf("%s: got %v, want %v; %v", name, got, want, report.L0())
		}
	}
}

// secured shakes hands and offers the protocols.
func secured(t *testing.T, protocols ...string) func(*peer) {
	srv := httptest.NewTLSServer(nil)
	t.Cleanup(srv.Close)
	config := &tls.Config{Certificates: srv.TLS.Certificates, NextProtos: protocols}
	return func(p *peer) { _ = tls.Server(p.Conn, config).Handshake() }
}

// patience is for servers that will answer, on a machine that may be busy.
const patience = 30 * time.Second

// run makes one trial of a load and fails the test if it is void.
func run(t *testing.T, ctx context.Context, load strict.Load) *strict.Report {
	t.Helper()
	if load.Limits.Timeout == 0 {
		load.Limits.Timeout = patience
	}
	trial := strict.Trial{Loads: []strict.Load{load}}
	report, err := trial.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d", report.Seed)
	return report
}

func defaultTo(s, value string) string {
	if s == "" {
		return value
	}
	return s
}

// TestBadLoad wants every problem named, before anything is sent.
func TestBadLoad(t *testing.T) {
	tests := map[string]struct {
		load strict.Load
		want []string
	}{
		"no address":     {strict.Load{}, []string{"set Target.Addr"}},
		"network":        {strict.Load{Target: strict.Target{Network: "udp", Addr: "x"}}, []string{`network "udp"`}},
		"no port":        {strict.Load{Target: strict.Target{Addr: "127.0.0.1"}}, []string{"resolving the target", "missing port"}},
		"two at once":    {strict.Load{Conns: -1, Streams: 2000}, []string{"-1 connections", "2000 streams"}},
		"both paces":     {strict.Load{Mode: strict.Kept, Pace: strict.Pace{Rate: 1, Idle: 1}}, []string{"set one of them"}},
		"idle fresh":     {strict.Load{Pace: strict.Pace{Idle: 1}}, []string{"use a rate"}},
		"path":           {strict.Load{Ask: strict.Ask{Path: "/a b"}}, []string{"must begin with /"}},
		"sizes":          {strict.Load{Ask: strict.Ask{Size: -1, Post: -1}}, []string{"answer of -1", "body of -1"}},
		"h2 body":        {strict.Load{Mode: strict.HTTP2, Ask: strict.Ask{Post: 16385}}, []string{"at most 16384"}},
		"h2 sorted":      {strict.Load{Mode: strict.HTTP2, Ask: strict.Ask{Sort: "X-Kind"}}, []string{"sorted by X-Kind"}},
		"mode":           {strict.Load{Mode: 9}, []string{"mode(9)"}},
		"delay too long": {strict.Load{Ask: strict.Ask{Delay: 6 * time.Second}}, []string{"before the delay of 6s"}},
	}
	for name, test := range tests {
		trial := strict.Trial{Loads: []strict.Load{test.load}}
		_, err := trial.Run(context.Background())
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %v, want %q in it", name, err, want)
			}
		}
	}
	if _, err := new(strict.Trial).Run(context.Background()); err == nil {
		t.Error("a trial without loads: got no error")
	}
}

// TestEveryMode runs many connections in every mode against Echo: sizes,
// delays, bodies and paces must all come out as answered, in balance and
// without duplicates.
func TestEveryMode(t *testing.T) {
	loads := map[string]strict.Load{
		"fresh":      {},
		"kept":       {Mode: strict.Kept},
		"large":      {Mode: strict.Kept, Ask: strict.Ask{Size: 100_000}},
		"large post": {Mode: strict.Kept, Ask: strict.Ask{Post: 200_000, Size: 1}},
		"delay":      {Mode: strict.Kept, Ask: strict.Ask{Path: "/x?y=1", Delay: time.Millisecond}},
		"rate":       {Mode: strict.Kept, Pace: strict.Pace{Rate: 2000}},
		"idle":       {Mode: strict.Kept, Pace: strict.Pace{Idle: 2 * time.Millisecond}},
		"fresh rate": {Pace: strict.Pace{Rate: 2000}},
		"h2":         {Mode: strict.HTTP2},
		"h2 wide":    {Mode: strict.HTTP2, Conns: 1, Streams: 300},
		"h2 path":    {Mode: strict.HTTP2, Ask: strict.Ask{Path: "/" + strings.Repeat("x", 400)}},
		"h2 large":   {Mode: strict.HTTP2, Ask: strict.Ask{Size: 100_000}},
		"h2 post":    {Mode: strict.HTTP2, Ask: strict.Ask{Post: 16384}},
		"h2 delay":   {Mode: strict.HTTP2, Ask: strict.Ask{Delay: time.Millisecond}},
		"h2 rate":    {Mode: strict.HTTP2, Pace: strict.Pace{Rate: 2000}},
		"h2 idle":    {Mode: strict.HTTP2, Pace: strict.Pace{Idle: 2 * time.Millisecond}},
	}
	for name, load := range loads {
		for _, network := range []string{"tcp", "unix", "tls"} {
			t.Run(name+" "+network, func(t *testing.T) {
				t.Parallel()
				var executed lines
				echo := &strict.Echo{Executed: &executed}
				load := load
				load.Target = target(t, network, echo)
				load.Limits.Requests = 60
				report := run(t, context.Background(), load)
				check(t, report.L0Strict())
				check(t, report.Closed())
				check(t, report.AtLeast(60))
				check(t, report.Balance(echo.Finished()))
				posts, err := strict.ReadExecuted(executed.reader())
				check(t, err)
				if want := map[bool]int{true: 60}[load.Ask.Post > 0]; posts != want {
					t.Errorf("%d posts executed, want %d", posts, want)
				}
			})
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
