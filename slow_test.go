package support_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/support-go/support"
)

// probing is a client that asks a server again and again.
type probing struct {
	took    []time.Duration // each answer, in order
	refused int             // not answered, or not with 200
}

// p99 is the median over pieces of a hundred answers each, so that one moment in
// which the machine was away does not count.
func (p probing) p99() time.Duration {
	var each []time.Duration
	for piece := range slices.Chunk(p.took, 100) {
		if len(piece) == 100 || len(each) == 0 {
			piece = slices.Sorted(slices.Values(piece))
			each = append(each, piece[len(piece)*99/100])
		}
	}
	slices.Sort(each)
	return each[len(each)/2]
}

// probe asks until enough is closed, and at least some times.
func probe(addr net.Addr, enough <-chan struct{}) <-chan probing {
	result := make(chan probing, 1)
	go func() {
		client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		var p probing
		for over := false; !over || len(p.took) == 0; <-again.C {
			start := time.Now()
			resp, err := client.Get("http://" + addr.String())
			p.took = append(p.took, time.Since(start))
			if err == nil {
				_ = resp.Body.Close()
			}
			if err != nil || resp.StatusCode != http.StatusOK {
				p.refused++
			}
			select {
			case <-enough:
				over = true
			default:
			}
		}
		result <- p
	}()
	return result
}

// probeFor asks for a while, of a server that has nothing else to do.
func probeFor(addr net.Addr, d time.Duration) probing {
	enough := make(chan struct{})
	time.AfterFunc(d, func() { close(enough) })
	return <-probe(addr, enough)
}

// abuse is how often a group has ended something of one kind.
func abuse(group *support.Group, kind string) int64 {
	return group.Stats.Counter("http.abuse", "kind", kind).Value()
}

// TestS1S2SlowClients has a thousand connections of each kind that slowhttptest
// knows, while another client is served as if nothing was. With -v it says how
// much longer the answers take.
func TestS1S2SlowClients(t *testing.T) {
	if _, err := exec.LookPath("slowhttptest"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("install slowhttptest (Debian: apt-get install slowhttptest)")
	}
	if race {
		t.Skip("it measures time, and the same is run without the race detector")
	}
	tests := map[string]struct {
		mode []string
		kind string // of which some hundred are counted, before slowhttptest ends
	}{
		"slow headers": {[]string{"-H"}, "slow_header"},
		"slow bodies":  {[]string{"-B", "-s", "8192"}, "slow_body"},
		"ranges":       {[]string{"-R"}, ""}, // they are answered, and that is all
		"slow readers": {[]string{"-X", "-w", "10", "-y", "20", "-n", "1", "-z", "32"}, "slow_reader"},
	}
	large := make([]byte, 1<<20)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { // alone: it takes the machine, and others have times to keep
			group := support.New("slow")
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength != 0 {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				if r.Method == http.MethodGet && r.URL.Path == "/large" {
					_, _ = w.Write(large) // its failure is the test
				}
			}))
			server.HTTP = support.HTTP{HeaderTimeout: 2 * time.Second, Stall: 2 * time.Second}
			r := start(t, group)
			alone := probeFor(server.Addr(), time.Second)
			enough := make(chan struct{})
			result := probe(server.Addr(), enough)
			args := append(slices.Clone(test.mode), "-c", "1000", "-r", "500", "-l", "4", "-i", "1", "-x", "10",
				"-u", "http://"+server.Addr().String()+"/large")
			out, err := exec.CommandContext(t.Context(), "slowhttptest", args...).CombinedOutput()
			close(enough)
			among := <-result
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("p99 of another client: %v alone, %v among a thousand, %.1f times; %d of %d refused",
				alone.p99(), among.p99(), among.p99().Seconds()/alone.p99().Seconds(), among.refused, len(among.took))
			if among.refused*20 > len(among.took) {
				t.Errorf("%d of %d requests of another client were refused", among.refused, len(among.took))
			}
			if limit := max(20*alone.p99(), 500*time.Millisecond); among.p99() > limit { // of a machine on which other tests run
				t.Errorf("p99 of another client is %v, and %v alone; want at most %v", among.p99(), alone.p99(), limit)
			}
			eventually(t, "requests are left", func() bool { return group.Gate().State().Running == 0 })
			ended := abuse(group, test.kind) + abuse(group, "crowd")
			if test.kind != "" && ended < 100 {
				t.Errorf("%d were ended as %s or crowd, want many of 1,000", ended, test.kind)
			}
			r.stop()
			_ = r.end() // connections may be left, of which it complains
		})
	}
}

// TestS1SlowHandshake sends a byte of a TLS handshake now and then.
func TestS1SlowHandshake(t *testing.T) {
	t.Parallel()
	certificate, _ := newCertificate(t)
	group := support.New("handshake")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.HTTP.HeaderTimeout = 200 * time.Millisecond
	r := start(t, group)
	c := dial(t, server.Addr())
	begun := time.Now()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for _, b := range append([]byte("\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03"), make([]byte, 1000)...) {
		if _, err := c.Write([]byte{b}); err != nil {
			break
		}
		<-again.C
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the handshake was ended after %v, want 200 ms", took)
	}
	eventually(t, "not counted", func() bool { return abuse(group, "slow_header") == 1 })
	r.stop()
	_ = r.end()
}

// TestS2CrowdOfReaders has many connections that take nothing of an answer. Few of
// them stay, and the others are ended long before Stall.
func TestS2CrowdOfReaders(t *testing.T) {
	t.Parallel()
	group := support.New("crowd")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.URL.Path == "/endless" {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	server.HTTP = support.HTTP{Stall: time.Hour, Slow: 10}
	group.Admit.Running = 30 // or some of them are shed on a busy machine
	r := start(t, group)
	for range 30 {
		dial(t, server.Addr()).get("/endless")
	}
	eventually(t, "the crowd stays", func() bool { return abuse(group, "crowd") == 20 })
	eventually(t, "others run than the 10 that may be slow", func() bool { return group.Gate().State().Running == 10 })
	r.logs.has(t, "clients stood still", "slow_ended=")
	group.Kill()
	_ = r.end()
}

// TestS2ClosedWindows has a stream of HTTP/2 whose client takes nothing, while the
// connection goes on.
func TestS2ClosedWindows(t *testing.T) {
	t.Parallel()
	group := support.New("windows")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			_, _ = w.Write(make([]byte, 1<<20)) // its failure is the test
		}
	}))
	server.HTTP.Stall = stall
	start(t, group)
	c := dial2(t, server.Addr(), nil)
	if err := c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		t.Fatal(err)
	}
	c.get(1, "/long")
	c.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameRSTStream })
	c.get(3, "/short")
	c.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameHeaders && f.Header().StreamID == 3 })
	if n := abuse(group, "slow_reader"); n != 1 {
		t.Errorf("counted %d slow readers, want 1", n)
	}
}
