package supporttest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Upstream is a server that behaves as badly as it is told to, on a real
// socket, for testing clients. It stops, and waits for its goroutines, when the
// test ends.
type Upstream struct {
	// Addr is where it listens, as host:port.
	Addr string

	ln       net.Listener
	tls      *tls.Config
	behave   atomic.Pointer[Behaviour]
	accepted atomic.Int64
	requests atomic.Int64
	ctx      func() context.Context // ends with the server
	cancel   context.CancelFunc
	wait     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Behaviour serves one connection. It is called once for each, and may return
// to have the connection closed. ctx ends with the server, and when it is told
// to behave otherwise.
type Behaviour func(ctx context.Context, conn net.Conn, u *Upstream)

// NewUpstream starts an Upstream on a free port of the loopback interface, with
// TLS if conf is not nil.
func NewUpstream(t testing.TB, conf *tls.Config, b Behaviour) *Upstream {
	t.Helper()
	u, err := startUpstream("127.0.0.1:0", conf, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Stop)
	return u
}

func startUpstream(addr string, conf *tls.Config, b Behaviour) (*Upstream, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	u := &Upstream{
		Addr: ln.Addr().String(), ln: ln, tls: conf, cancel: cancel,
		ctx: func() context.Context { return ctx }, conns: make(map[net.Conn]struct{}),
	}
	u.behave.Store(&b)
	u.wait.Go(u.serve)
	return u, nil
}

// Behave changes what happens on connections from now on. Those that are open
// stay as they are.
func (u *Upstream) Behave(b Behaviour) { u.behave.Store(&b) }

// Accepted returns how many connections there have been.
func (u *Upstream) Accepted() int { return int(u.accepted.Load()) }

// Requests returns how many requests behaviours have counted with Count.
func (u *Upstream) Requests() int { return int(u.requests.Load()) }

// Count counts a request and returns how many there have been.
func (u *Upstream) Count() int { return int(u.requests.Add(1)) }

// Stop closes the listener and resets all connections, as a crash does.
func (u *Upstream) Stop() {
	u.cancel()
	_ = u.ln.Close()
	u.Reset()
	u.wait.Wait()
}

// Reset resets all connections that are open, as a crash does, and goes on
// listening.
func (u *Upstream) Reset() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		reset(c)
	}
}

// Restart listens at the same address again after Stop.
func (u *Upstream) Restart(t testing.TB) *Upstream {
	t.Helper()
	again, err := startUpstream(u.Addr, u.tls, *u.behave.Load())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Stop)
	return again
}

func (u *Upstream) serve() {
	for {
		c, err := u.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		u.accepted.Add(1)
		u.mu.Lock()
		u.conns[c] = struct{}{}
		u.mu.Unlock()
		if u.ctx().Err() != nil {
			reset(c)
		}
		u.wait.Go(func() { u.one(c) })
	}
}

func (u *Upstream) one(c net.Conn) {
	defer func() {
		u.mu.Lock()
		delete(u.conns, c)
		u.mu.Unlock()
		_ = c.Close()
	}()
	conn := c
	if u.tls != nil {
		conn = tls.Server(c, u.tls)
	}
	(*u.behave.Load())(u.ctx(), conn, u)
}

// reset closes a connection so that the peer sees a reset.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// Lines answers each line with answer(line), a well-behaved server.
func Lines(answer func(line string) string) Behaviour {
	return func(_ context.Context, conn net.Conn, u *Upstream) {
		for {
			line, err := readLine(conn)
			if err != nil {
				return
			}
			u.Count()
			if _, err := io.WriteString(conn, answer(line)); err != nil {
				return
			}
		}
	}
}

// readLine reads up to a line feed, and no further.
func readLine(conn net.Conn) (string, error) {
	var line []byte
	var b [1]byte
	for {
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
		if len(line) > 1<<20 {
			return "", errors.New("line too long")
		}
	}
}
