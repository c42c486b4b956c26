package netbuf_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/support-go/support/netbuf"
	"golang.org/x/net/nettest"
)

// pipe returns a Conn and the other end, both closed after the test.
func pipe(t testing.TB) (*netbuf.Conn, net.Conn) {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return netbuf.NewConn(near), far
}

// socketPair returns the two ends of a connection on network.
func socketPair(network, addr string) (near, far net.Conn, err error) {
	ln, err := net.Listen(network, addr)
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if near, err = net.Dial(network, ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = ln.Accept(); err != nil {
		_ = near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// tcp returns both ends of a TCP connection, closed after the test.
func tcp(t testing.TB) (near, far *net.TCPConn) {
	t.Helper()
	a, b, err := socketPair("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// chunks is a connection on which each Read brings one chunk, and then err.
type chunks struct {
	net.Conn
	left []string
	err  error
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, c.err
	}
	n := copy(p, c.left[0])
	if c.left[0] = c.left[0][n:]; c.left[0] == "" {
		c.left = c.left[1:]
	}
	return n, nil
}

// arriving returns a Conn on which the chunks arrive before the peer closes.
func arriving(chunk ...string) *netbuf.Conn {
	return netbuf.NewConn(&chunks{left: slices.Clone(chunk), err: io.EOF})
}

func TestConformance(t *testing.T) {
	tests := map[string]func() (net.Conn, net.Conn, error){
		"pipe": func() (net.Conn, net.Conn, error) {
			near, far := net.Pipe()
			return near, far, nil
		},
		"tcp": func() (net.Conn, net.Conn, error) {
			return socketPair("tcp", "127.0.0.1:0")
		},
		"unix": func() (net.Conn, net.Conn, error) {
			dir, err := os.MkdirTemp("", "netbuf") //nolint:usetesting // its path is too long for sockets
			if err != nil {
				return nil, nil, err
			}
			defer func() { _ = os.RemoveAll(dir) }()
			return socketPair("unix", filepath.Join(dir, "s"))
		},
	}
	for name, connect := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				near, far, err := connect()
				if err != nil {
					return nil, nil, nil, err
				}
				stop := func() { _ = near.Close(); _ = far.Close() }
				return netbuf.NewConn(near), netbuf.NewConn(far), stop, nil
			})
		})
	}
}

func TestConnPassesAbilitiesOn(t *testing.T) {
	near, far := tcp(t)
	conn := netbuf.NewConn(near)
	if conn.NetConn() != near {
		t.Error("NetConn is not the connection below")
	}
	if _, err := conn.SyscallConn(); err != nil {
		t.Errorf("SyscallConn: %v", err)
	}
	_, _ = conn.Queue([]byte("last words"))
	if err := conn.CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	if got, err := io.ReadAll(far); string(got) != "last words" || err != nil {
		t.Errorf("after CloseWrite the peer got %q, %v", got, err)
	}
	if err := conn.CloseRead(); err != nil {
		t.Errorf("CloseRead: %v", err)
	}
}

func TestConnSaysWhatTheOneBelowLacks(t *testing.T) {
	conn, _ := pipe(t)
	_, err := conn.SyscallConn()
	for name, err := range map[string]error{
		"SyscallConn": err,
		"CloseWrite":  conn.CloseWrite(),
		"CloseRead":   conn.CloseRead(),
	} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s on a pipe: %v", name, err)
		}
	}
}

func ExampleConn() {
	near, far := net.Pipe()
	go func() { _, _ = io.WriteString(far, "GET /\r\nHost: example.org\r\n\r\n") }()

	conn := netbuf.NewConn(near)
	defer conn.Close()
	for {
		line, err := conn.ReadUntil([]byte("\r\n"), 1024)
		if err != nil || len(line) == 0 {
			break
		}
		fmt.Printf("%s\n", line)
	}
	// Output:
	// GET /
	// Host: example.org
}

func ExampleMessageError() {
	near, far := net.Pipe()
	go func() {
		_, _ = io.WriteString(far, "half a li")
		_ = far.Close()
	}()

	conn := netbuf.NewConn(near)
	_, err := conn.ReadUntil([]byte("\n"), 0)
	fmt.Println(err)
	fmt.Println(errors.Is(err, io.ErrUnexpectedEOF))
	fmt.Printf("%s\n", conn.Buffered())
	// Output:
	// netbuf: read until: unexpected EOF, with 9 bytes seen
	// true
	// half a li
}

func ExampleLimits() {
	near, far := net.Pipe()
	go func() { _, _ = io.WriteString(far, "a line that does not end") }()

	conn := netbuf.NewConn(near)
	conn.Limits = netbuf.Limits{Message: 16}
	_, err := conn.ReadUntil([]byte("\n"), 0)
	fmt.Println(err)
	// Output:
	// netbuf: read until: netbuf: message too long, with 24 bytes seen
}
