package track_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/internal/ledger"
	"github.com/support-go/support/internal/track"
)

const (
	stall     = 300 * time.Millisecond
	untouched = 6 * stall
)

// watch runs Watch on the pair's listener, until the test ends.
func watch(t *testing.T, p *pair) {
	t.Helper()
	p.ln.Stall = stall
	ctx, end := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { p.ln.Watch(ctx, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() {
		end()
		watching.Wait()
	})
}

// TestOneWriteToASlowPeer has one Write last for many times Stall.
func TestOneWriteToASlowPeer(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			p, err := connect(t, network)
			if err != nil {
				t.Fatal(err)
			}
			defer p.stop()
			_ = p.client.(interface{ SetReadBuffer(int) error }).SetReadBuffer(16 << 10)
			watch(t, p)
			failed := make(chan error, 1)
			go func() {
				_, err := p.server.Write(make([]byte, 32<<20))
				failed <- err
			}()
			pace := time.NewTicker(stall / 6)
			defer pace.Stop()
			for begun := time.Now(); time.Since(begun) < untouched; <-pace.C {
				if _, err := io.CopyN(io.Discard, p.client, 16<<10); err != nil {
					t.Fatalf("after %v: %v", time.Since(begun), err)
				}
			}
			if n := p.ln.Faults.Of(track.SlowReader); n != 0 {
				t.Errorf("%d connections ended while the peer took", n)
			}
			if err := <-failed; err == nil {
				t.Error("the Write came back without an error when the peer took no more")
			}
			if n := p.ln.Faults.Of(track.SlowReader); n != 1 {
				t.Errorf("%d connections ended, want 1", n)
			}
		})
	}
}

// TestCopyFromASilentSource has a copy wait for its source and not for its
// peer.
func TestCopyFromASilentSource(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			from, err := connect(t, "tcp")
			if err != nil {
				t.Fatal(err)
			}
			defer from.stop()
			to, err := connect(t, network)
			if err != nil {
				t.Fatal(err)
			}
			defer to.stop()
			watch(t, to)
			copied := make(chan error, 1)
			go func() {
				_, err := io.Copy(to.server, from.server)
				copied <- err
			}()
			exchange(t, from.client, to.client)
			select {
			case err := <-copied:
				t.Fatalf("the copy ended with %v", err)
			case <-time.After(untouched):
			}
			exchange(t, from.client, to.client)
			_ = from.client.Close()
			if err := <-copied; err != nil {
				t.Error(err)
			}
		})
	}
}

// give has a body say one thing at a time.
type give struct{ text chan string }

func (g give) Close() error { return nil }

func (g give) Read(p []byte) (int, error) {
	text, ok := <-g.text
	if !ok {
		return 0, io.ErrUnexpectedEOF
	}
	return copy(p, text), nil
}

// noted notes that a deadline has been set.
type noted struct{ set *atomic.Bool }

func (n noted) SetReadDeadline(time.Time) error { n.set.Store(true); return nil }

// TestBody reads a body for a time, in which it gives something at each tenth
// of Stall.
func TestBody(t *testing.T) {
	const idle, limit = 0, 10 * time.Second
	tests := map[string]struct {
		each  int // bytes; or idle, as nobody reads
		lasts time.Duration
		want  bool // to be ended
	}{
		"enough":             {103, 10 * limit, false},
		"too little":         {50, limit + limit/5, true},
		"too little, so far": {50, limit - limit/5, false},
		"nobody reads":       {idle, 10 * limit, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer far.Close()
				inner := slowListener{arrives: make(chan net.Conn, 1)}
				inner.arrives <- near
				ln := track.NewListener(inner, ledger.New())
				ln.Stall = limit
				ctx, end := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { ln.Watch(ctx, slog.New(slog.DiscardHandler)) })
				conn, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				source := give{make(chan string)}
				var ended atomic.Bool
				body := track.Of(conn).WatchBody(source, noted{&ended}, false)
				if test.each != idle {
					running.Go(func() { _, _ = io.Copy(io.Discard, body) })
				}
				for begun := time.Now(); time.Since(begun) < test.lasts && !ended.Load(); time.Sleep(limit / 10) {
					if test.each != idle {
						source.text <- strings.Repeat("x", test.each)
					}
					synctest.Wait()
				}
				close(source.text)
				synctest.Wait()
				if ended.Load() != test.want || (ln.Faults.Of(track.SlowBody) > 0) != test.want {
					t.Errorf("ended: %v, counted %d; want %v", ended.Load(), ln.Faults.Of(track.SlowBody), test.want)
				}
				if got, want := body.Release(), test.each != idle; got != want {
					t.Errorf("Release says that the body has ended: %v, want %v", got, want)
				}
				_ = conn.Close()
				end()
				running.Wait()
			})
		})
	}
}

func ExampleConn_WatchBody() {
	near, far := net.Pipe()
	defer far.Close()
	ln := track.NewListener(&one{conn: near}, ledger.New())
	ln.Stall = 50 * time.Millisecond
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	watching.Go(func() { ln.Watch(ctx, slog.New(slog.DiscardHandler)) })
	conn, err := ln.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	body := track.Of(conn).WatchBody(conn, conn, false)
	_, err = io.ReadAll(body) // from a peer that says nothing
	fmt.Println(err)
	fmt.Println("ended:", body.Release(), ln.Faults.Of(track.SlowBody))
	// Output:
	// read pipe: i/o timeout
	// ended: true 1
}

// one gives one connection.
type one struct {
	net.Listener
	conn net.Conn
}

func (o *one) Accept() (net.Conn, error) { return o.conn, nil }
