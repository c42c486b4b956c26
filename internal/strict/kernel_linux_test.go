package strict_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/strict"
)

// TestFullBacklog connects where the kernel stays silent because nobody
// accepts and the queue is full.
func TestFullBacklog(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	shrinkBacklog(t, ln)
	report := run(t, context.Background(), strict.Load{
		Target: strict.Target{Addr: ln.Addr().String()}, Conns: 4,
		Limits: strict.Limits{Requests: 4, Timeout: 100 * time.Millisecond},
	})
	if got, want := report.Total(), (strict.Counts{strict.Hung: 4}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// shrinkBacklog makes the queue of a listening socket hold one connection.
func shrinkBacklog(t *testing.T, ln net.Listener) {
	t.Helper()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var listenErr error
	err = raw.Control(func(fd uintptr) { listenErr = unix.Listen(int(fd), 0) })
	if err := errors.Join(err, listenErr); err != nil {
		t.Fatal(err)
	}
}

// TestReuseportCloseIsCaught: of two sockets on one port, closing one resets
// what the kernel has queued for it.
func TestReuseportCloseIsCaught(t *testing.T) {
	serving, silent := reuseportPair(t)
	srv := &http.Server{Handler: &strict.Echo{}}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(serving) })
	defer wg.Wait()
	defer srv.Close()

	const conns, requests = 16, 2000
	trial := &strict.Trial{Loads: []strict.Load{{
		Target: strict.Target{Addr: serving.Addr().String()}, Conns: conns, Limits: strict.Limits{Requests: requests},
	}}}
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range tick.C { // sooner or later every client waits at the silent socket
			if n := queued(t, silent); n < 0 || n == conns {
				break
			}
		}
		trial.Mark("close")
		_ = silent.Close()
	})
	report, err := trial.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got := report.Total()
	if got[strict.Lost] < conns/2 || got[strict.Answered]+got[strict.Lost]+got[strict.Refused] != requests {
		t.Errorf("got %v, want %d requests, %d of them lost", got, requests, conns)
	}
}

// reuseportPair listens twice on one port.
func reuseportPair(t *testing.T) (a, b net.Listener) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var sockErr error
		err := raw.Control(func(fd uintptr) { sockErr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(err, sockErr)
	}}
	config.SetMultipathTCP(false) // TCP_INFO tells the queue of plain TCP only
	a, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err = config.Listen(context.Background(), "tcp", a.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a, b
}

// queued returns how many connections wait in the kernel for the listener.
func queued(t *testing.T, ln net.Listener) int {
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Error(err)
		return -1
	}
	var info *unix.TCPInfo
	var infoErr error
	err = raw.Control(func(fd uintptr) { info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err := errors.Join(err, infoErr); err != nil {
		t.Error(err)
		return -1
	}
	return int(info.Unacked)
}

// TestOwnFault lets the client run out of descriptors: the trial is void, and
// nothing is held against the server. Not parallel, since the limit is the
// process's.
func TestOwnFault(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	tgt := strict.Target{Addr: ln.Addr().String()}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	}()
	for _, mode := range []strict.Mode{strict.Fresh, strict.HTTP2} {
		trial := strict.Trial{Loads: []strict.Load{{Mode: mode, Target: tgt}}}
		report, err := trial.Run(context.Background())
		if !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%v: got error %v, want %v", mode, err, syscall.EMFILE)
		}
		if report == nil || report.Total() != (strict.Counts{}) {
			t.Errorf("%v: got report %v, want an empty one", mode, report)
		}
	}
}
