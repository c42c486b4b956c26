package netbuf_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/support-go/support/netbuf"
)

func TestWriteToGivesBufferedFirst(t *testing.T) {
	conn := arriving("line\nrest", "more")
	if _, err := conn.ReadUntil([]byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n, err := conn.WriteTo(&out)
	if n != 8 || err != nil || out.String() != "restmore" {
		t.Errorf("WriteTo = %d, %v, %q", n, err, out.String())
	}
}

func TestReadFromSendsQueuedFirst(t *testing.T) {
	out := &sink{room: 100}
	conn := netbuf.NewConn(out)
	_, _ = conn.Queue([]byte("head "))
	n, err := conn.ReadFrom(strings.NewReader("body"))
	if got := strings.Join(out.writes, ""); n != 4 || err != nil || got != "head body" {
		t.Errorf("ReadFrom = %d, %v, %q", n, err, got)
	}
}

// TestCopyBetweenConns proxies through two Conns, with bytes in both buffers.
func TestCopyBetweenConns(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	client, front := tcp(t)
	back, server := tcp(t)
	go func() {
		_, _ = client.Write([]byte("hello\nbuffered "))
		_, _ = client.Write(body)
		_ = client.CloseWrite()
	}()
	go func() {
		src, dst := netbuf.NewConn(front), netbuf.NewConn(back)
		if _, err := src.ReadUntil([]byte("\n"), 0); err != nil {
			t.Error(err)
		}
		_, _ = dst.Queue([]byte("queued "))
		if _, err := io.Copy(dst, src); err != nil {
			t.Error(err)
		}
		_ = dst.CloseWrite()
	}()
	got, err := io.ReadAll(server)
	if want := "queued buffered " + string(body); string(got) != want || err != nil {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
	}
}

// sourceOf is a connection that remembers what it was asked to send from.
type sourceOf struct {
	net.Conn
	from io.Reader
}

func (s *sourceOf) ReadFrom(r io.Reader) (int64, error) {
	s.from = r
	return 0, nil
}

// The standard library splices between two TCP connections only if it sees the
// connections themselves.
func TestCopyShowsTheConnectionsBelow(t *testing.T) {
	dst, src := &sourceOf{}, &chunks{err: io.EOF}
	if _, err := io.Copy(netbuf.NewConn(dst), netbuf.NewConn(src)); err != nil {
		t.Fatal(err)
	}
	if dst.from != src {
		t.Errorf("the connection below reads from %T", dst.from)
	}
}
