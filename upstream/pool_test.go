package upstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

func TestReuse(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	m := manager(t, "echo", at(u.Addr))
	for range 5 {
		conn := get(t, m, "echo")
		if got, err := say(conn, "hello"); got != "hello" || err != nil {
			t.Fatalf("answer is %q, %v", got, err)
		}
		if err := conn.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if n := u.Accepted(); n != 1 {
		t.Errorf("%d connections for five loans; want 1", n)
	}
}

func TestNewestFirst(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	m := manager(t, "echo", at(u.Addr))
	var conns []*upstream.Conn
	for range 3 {
		conns = append(conns, get(t, m, "echo"))
	}
	last := conns[1].LocalAddr().String()
	for _, i := range []int{0, 2, 1} {
		_ = conns[i].Release()
	}
	conn := get(t, m, "echo")
	defer conn.Release()
	if got := conn.LocalAddr().String(); got != last {
		t.Errorf("lent %s; want %s, which came back last", got, last)
	}
}

// TestCullsTheOldest: the original closed the newest.
func TestCullsTheOldest(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	conf := at(u.Addr)
	conf.Pool.Idle = 2
	m := manager(t, "echo", conf)
	var conns []*upstream.Conn
	for range 3 {
		conns = append(conns, get(t, m, "echo"))
	}
	oldest := conns[0].LocalAddr().String()
	for _, c := range conns {
		_ = c.Release()
	}
	kept := address(t, m, u.Addr).Conns
	if len(kept) != 2 {
		t.Fatalf("%d connections are kept; want 2", len(kept))
	}
	for _, c := range kept {
		if c.Local == oldest {
			t.Errorf("the one that was idle for longest is kept")
		}
	}
}

func TestWhatIsNotPooled(t *testing.T) {
	tests := map[string]struct {
		behave supporttest.Behaviour
		use    func(*testing.T, *upstream.Conn)
	}{
		"a read has timed out": {supporttest.Silent(), func(t *testing.T, c *upstream.Conn) {
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := say(c, "x"); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("error is %v", err)
			}
		}},
		"the peer has closed": {supporttest.SayAndClose("bye\n"), func(t *testing.T, c *upstream.Conn) {
			if _, err := say(c, "x"); err != nil {
				t.Error(err)
			}
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("error is %v", err)
			}
		}},
		"an answer is outstanding": {supporttest.Silent(), func(t *testing.T, c *upstream.Conn) {
			if _, err := io.WriteString(c, "x\n"); err != nil {
				t.Error(err)
			}
		}},
		"bytes are left in the buffer": {supporttest.Say("one\ntwo\n"), func(t *testing.T, c *upstream.Conn) {
			for { // the rest may come later
				if _, err := say(c, "x"); err != nil {
					t.Fatal(err)
				}
				if len(c.Messages().Buffered()) > 0 {
					return
				}
			}
		}},
		"bytes are queued": {supporttest.Say("one\n"), func(_ *testing.T, c *upstream.Conn) {
			_, _ = c.Messages().Queue([]byte("half"))
		}},
		"the borrower says so": {supporttest.Say("one\n"), func(_ *testing.T, c *upstream.Conn) {
			c.Fail(errors.New("nonsense"))
		}},
		"the borrower closes it": {supporttest.Say("one\n"), func(_ *testing.T, c *upstream.Conn) {
			_ = c.Close()
		}},
		"half of it is closed": {supporttest.Silent(), func(t *testing.T, c *upstream.Conn) {
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
			}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u := supporttest.NewUpstream(t, nil, test.behave)
			m := manager(t, "bad", at(u.Addr))
			conn := get(t, m, "bad")
			test.use(t, conn)
			_ = conn.Release()
			if kept := address(t, m, u.Addr).Conns; len(kept) != 0 {
				t.Errorf("kept: %+v", kept)
			}
			if open := m.State().Open; open != 0 {
				t.Errorf("%d places are taken", open)
			}
		})
	}
}

func TestMisuseIsCaught(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	m := manager(t, "echo", at(u.Addr))
	conn := get(t, m, "echo")
	_ = conn.Release()
	if err := conn.Release(); !errors.Is(err, upstream.ErrReleased) {
		t.Errorf("second Release: %v", err)
	}
	next := get(t, m, "echo") // the same connection, for somebody else
	defer next.Release()
	if next.LocalAddr().String() != conn.LocalAddr().String() {
		t.Fatal("another connection; this proves nothing")
	}
	if _, err := conn.Write([]byte("for somebody else\n")); !errors.Is(err, upstream.ErrReleased) {
		t.Errorf("Write after Release: %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Release: %v", err)
	}
	if err := conn.SetDeadline(time.Now()); !errors.Is(err, upstream.ErrReleased) {
		t.Errorf("SetDeadline after Release: %v", err)
	}
	if err := conn.Release(); !errors.Is(err, upstream.ErrReleased) {
		t.Errorf("Release of what somebody else has: %v", err)
	}
	if err := conn.Close(); !errors.Is(err, upstream.ErrReleased) {
		t.Errorf("Close of what somebody else has: %v", err)
	}
	if got, err := say(next, "mine"); got != "mine" || err != nil {
		t.Errorf("the rightful borrower gets %q, %v", got, err)
	}
	last := get(t, m, "echo")
	_ = last.Close()
	if err := last.Release(); err != nil {
		t.Errorf("Release after Close: %v", err)
	}
}

func TestStaleIsNotLent(t *testing.T) {
	tests := map[string]supporttest.Behaviour{
		"closed": func(context.Context, net.Conn, *supporttest.Upstream) {},
		"reset": func(_ context.Context, conn net.Conn, _ *supporttest.Upstream) {
			_, _ = io.WriteString(conn, "ok\n")
			_ = conn.(*net.TCPConn).SetLinger(0)
		},
	}
	for name, behave := range tests {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			u := supporttest.NewUpstream(t, nil, func(ctx context.Context, conn net.Conn, u *supporttest.Upstream) {

				if u.Accepted() > 1 {
					supporttest.Say("ok\n")(ctx, conn, u)
					return
				}
				<-release
				behave(ctx, conn, u)
			})
			conf := at(u.Addr)
			conf.Pool.AlwaysCheck = true
			m := manager(t, "stale", conf)
			conn := get(t, m, "stale")
			_ = conn.Release()
			close(release)
			eventually(t, "the stale connection is lent for ever", func() bool {
				conn := get(t, m, "stale")
				defer conn.Release()
				return u.Accepted() > 1
			})
		})
	}
}

func TestWaitForAConnection(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	conf := at(u.Addr)
	conf.Pool.Max = 1
	m := manager(t, "one", conf)
	held := get(t, m, "one")

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := m.Get(ctx, "one")
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v; want a time-out", err)
	}
	contains(t, err, u.Addr, "all 1 connections were lent")

	got := make(chan *upstream.Conn)
	go func() {
		conn, err := m.Get(context.Background(), "one")
		if err != nil {
			t.Error(err)
		}
		got <- conn
	}()
	eventually(t, "nobody waits", func() bool { return address(t, m, u.Addr).Waiting == 1 })
	_ = held.Release()
	conn := <-got
	if conn.LocalAddr().String() != held.LocalAddr().String() {
		t.Error("it was not handed over")
	}
	_ = conn.Release()
}

func TestIdleAndAge(t *testing.T) {
	tests := map[string]upstream.Pool{
		"idle":    {IdleTime: 20 * time.Millisecond},
		"too old": {MaxAge: 20 * time.Millisecond},
	}
	for name, pool := range tests {
		t.Run(name, func(t *testing.T) {
			u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
			conf := at(u.Addr)
			conf.Pool = pool
			m := manager(t, "echo", conf)
			_ = get(t, m, "echo").Release()
			eventually(t, "the connection stays", func() bool { return m.State().Open == 0 })
		})
	}
}

// TestDescriptors has two services share a limit of two connections.
func TestDescriptors(t *testing.T) {
	u := supporttest.NewUpstream(t, nil, supporttest.Lines(echo))
	m := &upstream.Manager{Max: 2}
	defer m.Close()
	for _, name := range []string{"a", "b"} {
		if err := m.Add(name, at(u.Addr)); err != nil {
			t.Fatal(err)
		}
	}
	first, second := get(t, m, "a"), get(t, m, "a")
	oldest := first.LocalAddr().String()
	_ = first.Release()
	_ = second.Release()

	b := get(t, m, "b") // takes the place of a's oldest
	if conns := m.State().Services[0].Tiers[0].Addresses[0].Conns; len(conns) != 1 || conns[0].Local == oldest {
		t.Errorf("a has %+v; want the newer one", conns)
	}
	a := get(t, m, "a")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := m.Get(ctx, "b")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v; want a time-out", err)
	}
	_ = a.Release()
	_ = b.Release()
	if open := m.State().Open; open > 2 {
		t.Errorf("%d are open; the limit is 2", open)
	}
}
