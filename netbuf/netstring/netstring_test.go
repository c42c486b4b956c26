package netstring_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/netstring"
)

// source is a connection that brings data, at most n bytes in a read.
type source struct {
	net.Conn
	data []byte
	n    int
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.data[:min(s.n, len(s.data))])
	s.data = s.data[n:]
	return n, nil
}

func TestRead(t *testing.T) {
	tests := map[string]struct {
		arrive string
		max    int
		want   string
		err    error
	}{
		"hello":               {"5:hello,", 0, "hello", nil},
		"empty":               {"0:,", 0, "", nil},
		"with its own syntax": {"4:1:a,,", 0, "1:a,", nil},
		"as long as allowed":  {"5:hello,", 5, "hello", nil},
		"too long":            {"6:hello!,", 5, "", netbuf.ErrTooLong},
		"ten digits":          {"1000000000:", 0, "", netbuf.ErrTooLong},
		"beyond the limit":    {"999999999:", 0, "", netbuf.ErrTooLong},
		"endless digits":      {strings.Repeat("9", 1000), 0, "", netbuf.ErrTooLong},
		"leading zero":        {"05:hello,", 0, "", netstring.ErrSyntax},
		"two zeros":           {"00:,", 0, "", netstring.ErrSyntax},
		"no length":           {":,", 0, "", netstring.ErrSyntax},
		"negative":            {"-1:,", 0, "", netstring.ErrSyntax},
		"space":               {" 5:hello,", 0, "", netstring.ErrSyntax},
		"no comma":            {"5:hello;", 0, "", netstring.ErrSyntax},
		"cut off in length":   {"5", 0, "", io.ErrUnexpectedEOF},
		"cut off in message":  {"5:hell", 0, "", io.ErrUnexpectedEOF},
		"cut off at comma":    {"5:hello", 0, "", io.ErrUnexpectedEOF},
		"nothing":             {"", 0, "", io.EOF},
	}
	for name, test := range tests {
		for _, chunk := range []int{1, 3, 1000} {
			t.Run(fmt.Sprintf("%s/%d", name, chunk), func(t *testing.T) {
				conn := netbuf.NewConn(&source{data: []byte(test.arrive), n: chunk})
				got, err := netstring.Read(conn, test.max)
				if string(got) != test.want || !errors.Is(err, test.err) {
					t.Errorf("Read = %q, %v; want %q, %v", got, err, test.want, test.err)
				}
				if err != nil && !strings.HasPrefix(test.arrive, string(conn.Buffered())) {
					t.Errorf("after %v Buffered = %q", err, conn.Buffered())
				}
			})
		}
	}
}

// TestS14HostileLength has promised bytes and endless digits, which cost neither
// time nor memory.
func TestS14HostileLength(t *testing.T) {
	for _, head := range []string{"999999999999:", strings.Repeat("7", 400), "00000000000:"} {
		conn := netbuf.NewConn(&source{data: []byte(head), n: 1000})
		start := time.Now()
		if _, err := netstring.Read(conn, 1024); err == nil {
			t.Fatalf("%.20q was taken", head)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%.20q took %v", head, took)
		}
		allocs := testing.AllocsPerRun(100, func() { _, _ = netstring.Read(conn, 1024) })
		if allocs != 0 {
			t.Errorf("%.20q: %v allocations", head, allocs)
		}
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	data := bytes.Repeat([]byte("5:hello,"), 2000)
	conn := netbuf.NewConn(&source{data: data, n: len(data)})
	allocs := testing.AllocsPerRun(1000, func() {
		if msg, err := netstring.Read(conn, 100); string(msg) != "hello" {
			t.Fatalf("%q, %v", msg, err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("5:hello,0:,12:hello world!,"), byte(1))
	f.Add([]byte("05:hello,"), byte(9))
	f.Add([]byte("99999999999:"), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, chunk byte) {
		conn := netbuf.NewConn(&source{data: data, n: int(chunk) + 1})
		var back []byte
		for {
			msg, err := netstring.Read(conn, 0)
			if err != nil {
				break
			}
			back = netstring.Append(back, msg)
		}
		if !bytes.HasPrefix(data, back) {
			t.Fatalf("read from %q, made again as %q", data, back)
		}
	})
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte("hello"), byte(2))
	f.Add([]byte(""), byte(0))
	f.Fuzz(func(t *testing.T, msg []byte, chunk byte) {
		wire := netstring.Append(nil, msg)
		conn := netbuf.NewConn(&source{data: wire, n: int(chunk) + 1})
		got, err := netstring.Read(conn, len(msg)+1)
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("%q came back as %q, %v", msg, got, err)
		}
	})
}

func Example() {
	near, far := net.Pipe()
	go func() { _, _ = far.Write(netstring.Append(nil, []byte("hello"))) }()

	conn := netbuf.NewConn(near)
	msg, err := netstring.Read(conn, 1024)
	fmt.Printf("%s %v\n", msg, err)
	// Output:
	// hello <nil>
}
