package netbuf_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/support-go/support/netbuf"
)

// sink is a connection that keeps each write, and fails with errSink once it
// has taken room bytes.
type sink struct {
	net.Conn
	writes []string
	room   int
}

var errSink = errors.New("sink is full")

func (s *sink) Write(p []byte) (int, error) {
	n := min(len(p), s.room)
	s.room -= n
	s.writes = append(s.writes, string(p[:n]))
	if n < len(p) {
		return n, errSink
	}
	return n, nil
}

func TestQueueAndFlush(t *testing.T) {
	half, long := strings.Repeat("h", 20<<10), strings.Repeat("l", 40<<10)
	tests := map[string]struct {
		do     func(*netbuf.Conn)
		want   []string
		queued int
	}{
		"write through":           {func(c *netbuf.Conn) { _, _ = c.Write([]byte("a")); _, _ = c.Write([]byte("b")) }, []string{"a", "b"}, 0},
		"queued":                  {func(c *netbuf.Conn) { _, _ = c.Queue([]byte("a")); _, _ = c.Queue([]byte("b")) }, nil, 2},
		"flushed together":        {func(c *netbuf.Conn) { _, _ = c.Queue([]byte("a")); _, _ = c.Queue([]byte("b")); _ = c.Flush() }, []string{"ab"}, 0},
		"nothing to flush":        {func(c *netbuf.Conn) { _ = c.Flush() }, nil, 0},
		"write after queue":       {func(c *netbuf.Conn) { _, _ = c.Queue([]byte("a")); _, _ = c.Write([]byte("b")) }, []string{"ab"}, 0},
		"long write after queue":  {func(c *netbuf.Conn) { _, _ = c.Queue([]byte("a")); _, _ = c.Write([]byte(long)) }, []string{"a", long}, 0},
		"queue is full":           {func(c *netbuf.Conn) { _, _ = c.Queue([]byte(half)); _, _ = c.Queue([]byte(half)) }, []string{half}, len(half)},
		"long message in a queue": {func(c *netbuf.Conn) { _, _ = c.Queue([]byte("a")); _, _ = c.Queue([]byte(long)) }, []string{"a", long}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := &sink{room: 1 << 20}
			conn := netbuf.NewConn(out)
			test.do(conn)
			if got, want := strings.Join(out.writes, "|"), strings.Join(test.want, "|"); got != want {
				t.Errorf("wrote %.60q; want %.60q", got, want)
			}
			if got := conn.Queued(); got != test.queued {
				t.Errorf("Queued = %d; want %d", got, test.queued)
			}
		})
	}
}

func TestWriteFailsInTheMiddle(t *testing.T) {
	tests := map[string]struct {
		room   int
		n      int // of the four bytes written
		queued int
		want   string // all that is sent in the end
	}{
		"in the queue":       {2, 0, 1, "abc"},
		"after the queue":    {3, 0, 0, "abc"},
		"in what is written": {5, 2, 0, "abcde"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := &sink{room: test.room}
			conn := netbuf.NewConn(out)
			_, _ = conn.Queue([]byte("abc"))
			if n, err := conn.Write([]byte("defg")); n != test.n || !errors.Is(err, errSink) {
				t.Errorf("Write = %d, %v; want %d", n, err, test.n)
			}
			if got := conn.Queued(); got != test.queued {
				t.Errorf("Queued = %d; want %d", got, test.queued)
			}
			out.room = 100
			if err := conn.Flush(); err != nil {
				t.Errorf("Flush: %v", err)
			}
			if got := strings.Join(out.writes, ""); got != test.want {
				t.Errorf("sent %q; want %q", got, test.want)
			}
		})
	}
}

func TestFlushGoesOnAfterFailure(t *testing.T) {
	out := &sink{room: 2}
	conn := netbuf.NewConn(out)
	_, _ = conn.Queue([]byte("abcd"))
	if err := conn.Flush(); !errors.Is(err, errSink) || conn.Queued() != 2 {
		t.Fatalf("Flush: %v, %d queued", err, conn.Queued())
	}
	out.room = 100
	_, _ = conn.Queue([]byte("ef"))
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(out.writes, ""); got != "abcdef" {
		t.Errorf("sent %q", got)
	}
}

func TestQueueFromManyGoroutines(t *testing.T) {
	const writers, each = 8, 200
	near, far := tcp(t)
	conn := netbuf.NewConn(near)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			line := append(bytes.Repeat([]byte{'a' + byte(i)}, 99), '\n')
			for range each {
				if _, err := conn.Queue(line); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		wg.Wait()
		_ = conn.CloseWrite()
	}()
	got, err := netbuf.NewConn(far).ReadAll(0)
	if len(got) != writers*each*100 || err != nil {
		t.Fatalf("%d bytes arrived, %v", len(got), err)
	}
	for line := range bytes.Lines(got) {
		if bytes.Count(line, line[:1]) != 99 {
			t.Fatalf("torn line %q", line)
		}
	}
}
