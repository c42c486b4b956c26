package accept_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/accept"
	"github.com/support-go/support/stats"
)

// failing is a listener that has no descriptors left until a time.
type failing struct {
	net.Listener
	until time.Time
	calls int
	conn  net.Conn
}

func (f *failing) Accept() (net.Conn, error) {
	f.calls++
	if time.Now().Before(f.until) {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.conn, nil
}

func (f *failing) Addr() net.Addr { return &net.TCPAddr{} }
func (f *failing) Close() error   { return nil }

// TestExhausted wants no spinning, one line when it begins and one when it ends.
func TestExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		ln := &failing{until: time.Now().Add(time.Minute), conn: server}
		var log bytes.Buffer
		reg := new(stats.Registry)
		q := accept.NewQueue(ln, accept.Limits{Silent: -1}, reg, slog.New(slog.NewTextHandler(&log, nil)))
		start := time.Now()
		c, err := q.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if took := time.Since(start); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("accepted after %v, want a minute and at most one second more", took)
		}
		if ln.calls > 80 {
			t.Errorf("tried %d times in a minute", ln.calls)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "too many open files") {
			t.Errorf("said, in %d lines:\n%s", n, log.String())
		}
		if n := reg.Counter("accept.failures").Value(); n != int64(ln.calls-1) {
			t.Errorf("counted %d failures, want %d", n, ln.calls-1)
		}
	})
}

// scarce is a listener that fails before each connection.
type scarce struct {
	failing
	accepted int
}

func (s *scarce) Accept() (net.Conn, error) {
	if s.calls++; s.calls%2 == 1 && s.accepted < 50 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	s.accepted++
	client, server := net.Pipe()
	return server, client.Close()
}

// TestScarce wants one line where descriptors are short and come free one by
// one, and one when that is over.
func TestScarce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		q := accept.NewQueue(&scarce{}, accept.Limits{Silent: -1}, nil, slog.New(slog.NewTextHandler(&log, nil)))
		for range 100 {
			c, err := q.Accept()
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			time.Sleep(50 * time.Millisecond)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "again") {
			t.Errorf("said, in %d lines:\n%s", n, log.String())
		}
	})
}

// TestCloseEndsTrouble closes the queue while it waits for better times.
func TestCloseEndsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := &failing{until: time.Now().Add(time.Hour)}
		q := accept.NewQueue(ln, accept.Limits{}, nil, quiet())
		var accepting sync.WaitGroup
		accepting.Go(func() {
			if _, err := q.Accept(); err != net.ErrClosed { //nolint:errorlint // it is to be that one
				t.Errorf("got %v, want %v", err, net.ErrClosed)
			}
		})
		synctest.Wait()
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		accepting.Wait()
	})
}
