package netbuf_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/netbuf"
)

func TestReadTimeoutAndDeadline(t *testing.T) {
	tests := map[string]struct {
		timeout  time.Duration // zero: none
		deadline time.Duration // from now; zero: none
		want     []time.Duration
	}{
		"time-out alone":         {time.Second, 0, []time.Duration{1 * time.Second, 1 * time.Second}},
		"deadline alone":         {0, time.Second, []time.Duration{1 * time.Second, 0}},
		"time-out comes first":   {time.Second, 1500 * time.Millisecond, []time.Duration{1 * time.Second, 500 * time.Millisecond, 0}},
		"deadline comes first":   {time.Second, 300 * time.Millisecond, []time.Duration{300 * time.Millisecond, 0}},
		"deadline has gone past": {time.Second, -time.Second, []time.Duration{0, 0}},
	}
	reads := map[string]func(*netbuf.Conn) error{
		"ReadUntil": func(c *netbuf.Conn) error { _, err := c.ReadUntil([]byte("\n"), 0); return err },
		"ReadFull":  func(c *netbuf.Conn) error { _, err := c.ReadFull(3); return err },
		"ReadAll":   func(c *netbuf.Conn) error { _, err := c.ReadAll(0); return err },
		"Discard":   func(c *netbuf.Conn) error { return c.Discard(3) },
		"Read":      func(c *netbuf.Conn) error { _, err := c.Read(make([]byte, 1)); return err },
	}
	for name, test := range tests {
		for method, read := range reads {
			t.Run(name+"/"+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					conn, _ := pipe(t)
					conn.Limits.ReadTimeout = test.timeout
					if test.deadline != 0 {
						_ = conn.SetReadDeadline(time.Now().Add(test.deadline))
					}
					for i, want := range test.want {
						expectTimeout(t, i, want, func() error { return read(conn) })
					}
				})
			})
		}
	}
}

func TestWriteTimeoutAndDeadline(t *testing.T) {
	writes := map[string]func(*netbuf.Conn) error{
		"Write": func(c *netbuf.Conn) error { _, err := c.Write([]byte("x")); return err },
		"Queue": func(c *netbuf.Conn) error { _, err := c.Queue(make([]byte, 64<<10)); return err },
		"Flush": func(c *netbuf.Conn) error { _, _ = c.Queue([]byte("x")); return c.Flush() },
	}
	for method, write := range writes {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _ := pipe(t)
				conn.Limits.WriteTimeout = time.Second
				_ = conn.SetWriteDeadline(time.Now().Add(1500 * time.Millisecond))
				for i, want := range []time.Duration{time.Second, 500 * time.Millisecond, 0} {
					expectTimeout(t, i, want, func() error { return write(conn) })
				}
			})
		})
	}
}

// expectTimeout checks that the i-th call times out after want.
func expectTimeout(t *testing.T, i int, want time.Duration, call func() error) {
	t.Helper()
	start := time.Now()
	err := call()
	var netErr net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &netErr) || !netErr.Timeout() {
		t.Errorf("call %d: %v; want a time-out", i, err)
	}
	if took := time.Since(start); took != want {
		t.Errorf("call %d took %v; want %v", i, took, want)
	}
}

func TestTimeoutBoundsTheWholeMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t)
		conn.Limits.ReadTimeout = 10 * time.Second
		go func() {
			for range 9 {
				time.Sleep(time.Second)
				_, _ = io.WriteString(far, "x")
			}
		}()
		expectTimeout(t, 0, 10*time.Second, func() error {
			_, err := conn.ReadUntil([]byte("\n"), 0)
			return err
		})
		if got := len(conn.Buffered()); got != 9 {
			t.Errorf("%d bytes are buffered; want 9", got)
		}
	})
}

func TestDeadlineSetWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := pipe(t)
		conn.Limits.ReadTimeout = time.Hour
		go func() {
			time.Sleep(time.Second)
			_ = conn.SetDeadline(time.Now())
		}()
		expectTimeout(t, 0, time.Second, func() error { _, err := conn.Peek(1); return err })
	})
}

func TestTimeoutLeavesNoDeadlineBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t)
		conn.Limits.ReadTimeout = time.Second
		expectTimeout(t, 0, time.Second, func() error { _, err := conn.Peek(1); return err })
		go func() {
			time.Sleep(time.Minute)
			_, _ = io.WriteString(far, "late")
		}()
		got := make([]byte, 4)
		if _, err := io.ReadFull(conn.NetConn(), got); err != nil {
			t.Errorf("reading below the Conn after a time-out: %v", err)
		}
	})
}

func TestBufferedCanBeReadAfterTheDeadline(t *testing.T) {
	conn, far := pipe(t)
	go func() { _, _ = io.WriteString(far, "a\nb\n") }()
	if _, err := conn.ReadUntil([]byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(-time.Second))
	if got, err := conn.ReadUntil([]byte("\n"), 0); string(got) != "b" || err != nil {
		t.Errorf("ReadUntil = %q, %v", got, err)
	}
}
