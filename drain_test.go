package support_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/support-go/support"
)

// never is a part of a drain that must not be waited for.
const never = time.Hour

// ok answers at once.
func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

// noteDrain has the group tell when its drain begins.
func noteDrain(group *support.Group) <-chan struct{} {
	begins := make(chan struct{})
	group.Setup = func(ctx context.Context) (func(context.Context) error, error) {
		go func() {
			select {
			case <-support.Draining(ctx):
				close(begins)
			case <-ctx.Done():
			}
		}()
		return nil, nil
	}
	return begins
}

func TestDrainAnswersKeptConnections(t *testing.T) {
	group := support.New("kept")
	group.Drain = support.Drain{LameDuck: never, Grace: never}
	begins := noteDrain(group)
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	r := start(t, group)
	conns := []*client{dial(t, server.Addr()), dial(t, server.Addr())}
	for _, c := range conns {
		c.get("/")
		if resp, body := c.answer(); resp.Close || body != "ok" {
			t.Fatalf("before the stop: got %q, close %v; want ok on a kept connection", body, resp.Close)
		}
	}
	r.stop()
	receive(t, "drain", begins)
	for _, c := range conns {
		c.get("/")
		if resp, body := c.answer(); !resp.Close || body != "ok" {
			t.Errorf("after the stop: got %q, close %v; want ok and Connection: close", body, resp.Close)
		}
		c.closes()
	}
	r.endsQuietly() // early, since no connection is left
}

func TestDrainKeepsIdleConnectionsForTheLameDuckTime(t *testing.T) {
	const lameDuck = 300 * time.Millisecond
	group := support.New("idle")
	group.Drain = support.Drain{LameDuck: lameDuck, Grace: never}
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	r := start(t, group)
	used, silent := dial(t, server.Addr()), dial(t, server.Addr())
	used.get("/")
	used.answer()
	stopped := time.Now()
	r.stop()
	for _, c := range []*client{used, silent} {
		c.closes()
		if early := lameDuck - time.Since(stopped); early > 0 {
			t.Errorf("closed %v before the end of the lame-duck time", early)
		}
	}
	r.endsQuietly()
}

func TestDrainFinishesWhatRuns(t *testing.T) {
	group := support.New("running")
	group.Drain = support.Drain{LameDuck: time.Millisecond, Grace: never}
	begins := noteDrain(group)
	arrived, release := make(chan struct{}), make(chan struct{})
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/quick" {
			return
		}
		close(arrived)
		<-release
		fmt.Fprint(w, "done, ctx says ", r.Context().Err())
	}))
	r := start(t, group)
	idle, busy := dial(t, server.Addr()), dial(t, server.Addr())
	idle.get("/quick")
	idle.answer()
	busy.get("/")
	receive(t, "request", arrived)
	r.stop()
	receive(t, "drain", begins)
	idle.closes() // the lame-duck time is over
	close(release)
	if resp, body := busy.answer(); !resp.Close || body != "done, ctx says <nil>" {
		t.Errorf("got %q, close %v; want the whole answer and Connection: close", body, resp.Close)
	}
	busy.closes()
	r.endsQuietly()
}

// TestDrainCutsWhatOutlastsGrace has one that never ends of each kind.
func TestDrainCutsWhatOutlastsGrace(t *testing.T) {
	arrived, ends := make(chan struct{}), make(chan error)
	wait := func(ctx context.Context) {
		arrived <- struct{}{}
		<-ctx.Done()
		ends <- context.Cause(ctx)
	}
	tests := map[string]*support.Server{
		"handler": {Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { wait(r.Context()) })},
		"hijacked": {Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
				t.Error(err)
			}
			wait(r.Context())
		})},
		"stream": {Stream: func(ctx context.Context, _ net.Conn) error { wait(ctx); return nil }},
		"custom": {Serve: func(ctx context.Context, ln net.Listener) error {
			conn, err := ln.Accept()
			if err != nil {
				return err
			}
			defer conn.Close()
			arrived <- struct{}{}
			_, err = io.Copy(io.Discard, conn) // until it is cut
			ends <- err
			return nil
		}},
	}
	for name, server := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("cut")
			group.Drain = support.Drain{LameDuck: time.Millisecond, Grace: 50 * time.Millisecond}
			begins := noteDrain(group)
			server.Listen = "127.0.0.1:0"
			group.Add(server)
			r := start(t, group)
			c := dial(t, server.Addr())
			c.get("/")
			receive(t, "connection", arrived)
			r.stop()
			receive(t, "drain", begins)
			_ = receive(t, "end of it", ends) // with whatever error
			c.closes()
			r.endsWell()
			r.logs.has(t, "no time left", "connections=1")
		})
	}
}

func TestDrainServesTheKernelsQueue(t *testing.T) {
	const rounds, clients = 10, 50
	for range rounds {
		group := support.New("queue")
		group.Drain = support.Drain{LameDuck: never, Grace: never}
		server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
		r := start(t, group)
		conns := make([]*client, clients)
		for i := range conns {
			conns[i] = dial(t, server.Addr())
			conns[i].get("/" + strconv.Itoa(i))
		}
		r.stop() // with the last of them still where the kernel keeps them
		for _, c := range conns {
			_, _ = c.answer()
			_ = c.Close()
		}
		r.endsQuietly()
	}
}

func TestDelayAcceptsButIsNotReady(t *testing.T) {
	group := support.New("delay")
	group.Drain.Delay = never
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	probe := group.Probe("127.0.0.1:0")
	r := start(t, group)
	ready := "http://" + probe.Addr().String() + "/readyz"
	if code, body := fetch(t, ready); code != http.StatusOK {
		t.Fatalf("before the stop: got %d, %q", code, body)
	}
	r.stop()
	eventually(t, "the group is still ready, though it is stopping", func() bool {
		code, _ := fetch(t, ready)
		return code == http.StatusServiceUnavailable
	})
	c := dial(t, server.Addr())
	c.get("/")
	if resp, body := c.answer(); body != "ok" || resp.Close {
		t.Errorf("in the delay: got %q, close %v; want ok on a kept connection", body, resp.Close)
	}
	group.Kill()
	r.endsWell()
	c.closes()
}

func TestHijackedConnectionsLearnOfTheDrain(t *testing.T) {
	group := support.New("hijacked")
	group.Drain = support.Drain{LameDuck: time.Millisecond, Grace: never}
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hijack" {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		sayGoodbye(conn, support.Draining(r.Context()))
	}))
	r := start(t, group)
	idle, c := dial(t, server.Addr()), dial(t, server.Addr())
	c.get("/hijack")
	c.says("hello")
	r.stop()
	idle.closes() // so that the lame-duck time is over
	c.says("draining")
	c.send("x")
	c.says("bye")
	c.closes()
	r.endsQuietly()
}

func TestStreamsLearnOfTheDrain(t *testing.T) {
	group := support.New("streams")
	group.Drain = support.Drain{LameDuck: time.Millisecond, Grace: never}
	server := group.Stream("127.0.0.1:0", func(ctx context.Context, conn net.Conn) error {
		sayGoodbye(conn, support.Draining(ctx))
		return nil
	})
	other := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	r := start(t, group)
	idle, c := dial(t, other.Addr()), dial(t, server.Addr())
	c.says("hello")
	r.stop()
	idle.closes()
	c.says("draining")
	c.send("x")
	c.says("bye")
	c.closes()
	r.endsQuietly()
}

// sayGoodbye says what it learns, and ends when its peer says something.
func sayGoodbye(conn net.Conn, draining <-chan struct{}) {
	_, _ = io.WriteString(conn, "hello")
	<-draining
	_, _ = io.WriteString(conn, "draining")
	_, _ = conn.Read(make([]byte, 1))
	_, _ = io.WriteString(conn, "bye")
}

func TestKillEndsAtOnce(t *testing.T) {
	group := support.New("killed")
	group.Drain = support.Drain{LameDuck: never, Grace: never}
	begins := noteDrain(group)
	arrived := make(chan struct{}, 2)
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	stream := group.Stream("127.0.0.1:0", func(ctx context.Context, _ net.Conn) error {
		arrived <- struct{}{}
		<-ctx.Done()
		return nil
	})
	r := start(t, group)
	idle, busy, streaming := dial(t, server.Addr()), dial(t, server.Addr()), dial(t, stream.Addr())
	busy.get("/")
	receive(t, "request", arrived)
	receive(t, "stream", arrived)
	r.stop()
	receive(t, "drain", begins)
	var kills sync.WaitGroup
	for range 4 {
		kills.Go(group.Kill)
	}
	kills.Wait()
	r.endsWell()
	for _, c := range []*client{idle, busy, streaming} {
		c.closes()
	}
}

// TestStopDuringADrainThatAFailureBegan does not cut the drain short: only
// Kill does.
func TestStopDuringADrainThatAFailureBegan(t *testing.T) {
	group := support.New("failing")
	group.Drain = support.Drain{LameDuck: never, Grace: never}
	begins := noteDrain(group)
	fail := make(chan error)
	group.Add(&support.Server{Listen: "127.0.0.1:0", Serve: func(_ context.Context, ln net.Listener) error {
		go func() { _, _ = ln.Accept() }()
		return <-fail
	}})
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	r := start(t, group)
	c := dial(t, server.Addr())
	c.get("/")
	c.answer()
	fail <- io.ErrNoProgress
	receive(t, "drain", begins)
	r.stop()
	c.get("/")
	if resp, body := c.answer(); body != "ok" || !resp.Close {
		t.Errorf("got %q, close %v; want ok and Connection: close", body, resp.Close)
	}
	err := r.end()
	if err == nil {
		t.Error("Run: got nil, want the error of the server that failed")
	}
}

// TestServerThatDoesNotReturn is named, and does not hold the program up.
func TestServerThatDoesNotReturn(t *testing.T) {
	group := support.New("stubborn")
	group.Drain = support.Drain{LameDuck: time.Millisecond, Grace: time.Millisecond}
	release := make(chan struct{})
	defer close(release)
	arrived := make(chan struct{})
	server := group.Stream("127.0.0.1:0", func(context.Context, net.Conn) error {
		close(arrived)
		<-release
		return nil
	})
	server.Name = "deaf"
	r := start(t, group)
	dial(t, server.Addr())
	receive(t, "connection", arrived)
	r.stop()
	wantError(t, r.end(), "server deaf has not returned")
}
