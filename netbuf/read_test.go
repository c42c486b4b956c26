package netbuf_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/netbuf"
)

func TestReadUntil(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := map[string]struct {
		arrive []string
		delim  string
		max    int
		want   []string
		err    error
		left   string
	}{
		"one byte":             {[]string{"a\nbc\n"}, "\n", 0, []string{"a", "bc"}, io.EOF, ""},
		"two bytes":            {[]string{"a\r\nb\r\n"}, "\r\n", 0, []string{"a", "b"}, io.EOF, ""},
		"straddles reads":      {[]string{"a\r", "\nb\r", "\n"}, "\r\n", 0, []string{"a", "b"}, io.EOF, ""},
		"a byte at a time":     {strings.Split("a--b-c---d--", ""), "--", 0, []string{"a", "b-c", "-d"}, io.EOF, ""},
		"false starts":         {[]string{"aab", "aabaaa", "b"}, "aaab", 0, []string{"aabaab"}, io.EOF, ""},
		"empty messages":       {[]string{"\n\n"}, "\n", 0, []string{"", ""}, io.EOF, ""},
		"longer than a block":  {[]string{long, long, "\nb\n"}, "\n", 0, []string{long + long, "b"}, io.EOF, ""},
		"as long as allowed":   {[]string{"abcd\n"}, "\n", 4, []string{"abcd"}, io.EOF, ""},
		"allowed, straddling":  {[]string{"abcd\r", "\n"}, "\r\n", 4, []string{"abcd"}, io.EOF, ""},
		"too long":             {[]string{"abcde\n"}, "\n", 4, nil, netbuf.ErrTooLong, "abcde\n"},
		"too long, no end":     {[]string{"abcde", "fgh"}, "\n", 4, nil, netbuf.ErrTooLong, "abcde"},
		"too long, straddling": {[]string{"abcde\r", "\n"}, "\r\n", 4, nil, netbuf.ErrTooLong, "abcde\r"},
		"closed in the middle": {[]string{"a\nb"}, "\n", 0, []string{"a"}, io.ErrUnexpectedEOF, "b"},
		"closed at once":       {nil, "\n", 0, nil, io.EOF, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			conn := arriving(test.arrive...)
			for _, want := range test.want {
				got, err := conn.ReadUntil([]byte(test.delim), test.max)
				if string(got) != want || err != nil {
					t.Fatalf("ReadUntil = %.50q, %v; want %.50q", got, err, want)
				}
			}
			got, err := conn.ReadUntil([]byte(test.delim), test.max)
			if got != nil || !errors.Is(err, test.err) {
				t.Errorf("at the end ReadUntil = %q, %v; want %v", got, err, test.err)
			}
			if left := string(conn.Buffered()); left != test.left {
				t.Errorf("Buffered = %q; want %q", left, test.left)
			}
		})
	}
}

func TestReadThroughKeepsTheDelimiter(t *testing.T) {
	conn := arriving("a\r", "\nb\r\n")
	for _, want := range []string{"a\r\n", "b\r\n"} {
		if got, err := conn.ReadThrough([]byte("\r\n"), 1); string(got) != want || err != nil {
			t.Errorf("ReadThrough = %q, %v; want %q", got, err, want)
		}
	}
}

func TestEmptyDelimiterPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_, _ = arriving("a").ReadUntil(nil, 0)
}

func TestReadFull(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := map[string]struct {
		arrive []string
		n      int
		want   string
		err    error
		left   string
	}{
		"nothing":             {[]string{"abc"}, 0, "", nil, ""},
		"part":                {[]string{"abc"}, 2, "ab", nil, "c"},
		"several reads":       {[]string{"a", "b", "c"}, 3, "abc", nil, ""},
		"longer than a block": {[]string{long, "y"}, 100_001, long + "y", nil, ""},
		"closed in it":        {[]string{"ab"}, 3, "", io.ErrUnexpectedEOF, "ab"},
		"closed before it":    {nil, 3, "", io.EOF, ""},
		"too long":            {[]string{"ab"}, netbuf.DefaultMessage + 1, "", netbuf.ErrTooLong, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			conn := arriving(test.arrive...)
			got, err := conn.ReadFull(test.n)
			if string(got) != test.want || !errors.Is(err, test.err) {
				t.Errorf("ReadFull(%d) = %.50q, %v; want %.50q, %v", test.n, got, err, test.want, test.err)
			}
			if left := string(conn.Buffered()); left != test.left {
				t.Errorf("Buffered = %q; want %q", left, test.left)
			}
		})
	}
}

// A size may come from a peer: it must not panic, nor move backwards.
func TestNegativeSize(t *testing.T) {
	conn := arriving("abc")
	if _, err := conn.ReadFull(2); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"ReadFull": func() error { _, err := conn.ReadFull(-1); return err },
		"Peek":     func() error { _, err := conn.Peek(math.MinInt); return err },
		"Discard":  func() error { return conn.Discard(-2) },
	}
	for name, call := range calls {
		if err := call(); err == nil || string(conn.Buffered()) != "c" {
			t.Errorf("%s: %v, Buffered = %q", name, err, conn.Buffered())
		}
	}
}

// What a limit refuses must not depend on how the bytes arrived.
func TestLimitHoldsForBufferedBytes(t *testing.T) {
	conn := arriving("abcdef\n")
	conn.Limits.Message = 5
	if _, err := conn.Peek(1); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"ReadFull":  func() error { _, err := conn.ReadFull(6); return err },
		"Peek":      func() error { _, err := conn.Peek(6); return err },
		"ReadUntil": func() error { _, err := conn.ReadUntil([]byte("\n"), 0); return err },
		"ReadFrame": func() error {
			_, err := conn.ReadFrame(0, func([]byte) (int, error) { return 6, nil })
			return err
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, netbuf.ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := conn.ReadUntil([]byte("\n"), math.MaxInt); string(got) != "abcdef" || err != nil {
		t.Errorf("without a limit ReadUntil = %q, %v", got, err)
	}
}

func TestLargestLimitWhileWaiting(t *testing.T) {
	conn := arriving("a\r", "\n")
	if got, err := conn.ReadUntil([]byte("\r\n"), math.MaxInt); string(got) != "a" || err != nil {
		t.Errorf("ReadUntil = %q, %v", got, err)
	}
}

func TestReadAll(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := map[string]struct {
		arrive []string
		max    int
		want   string
		err    error
	}{
		"nothing":             {nil, 0, "", nil},
		"several reads":       {[]string{"a", "b"}, 0, "ab", nil},
		"longer than a block": {[]string{long, long}, 0, long + long, nil},
		"as much as allowed":  {[]string{"ab", "cd"}, 4, "abcd", nil},
		"too much":            {[]string{"ab", "cde"}, 4, "", netbuf.ErrTooLong},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := arriving(test.arrive...).ReadAll(test.max)
			if string(got) != test.want || !errors.Is(err, test.err) {
				t.Errorf("ReadAll(%d) = %.50q, %v; want %.50q, %v", test.max, got, err, test.want, test.err)
			}
		})
	}
}

func TestPeekAndDiscard(t *testing.T) {
	conn := arriving("ab", "cdef")
	if got, err := conn.Peek(3); string(got) != "abc" || err != nil {
		t.Fatalf("Peek(3) = %q, %v", got, err)
	}
	if err := conn.Discard(1); err != nil {
		t.Fatal(err)
	}
	if got, err := conn.ReadFull(2); string(got) != "bc" || err != nil {
		t.Errorf("after Discard(1) ReadFull(2) = %q, %v", got, err)
	}
	if err := conn.Discard(4); !errors.Is(err, io.EOF) {
		t.Errorf("Discard beyond the end: %v", err)
	}
}

func TestDiscardHoldsNothing(t *testing.T) {
	conn := arriving(strings.Repeat("x", 10<<20), "y")
	if err := conn.Discard(10 << 20); err != nil {
		t.Fatal(err)
	}
	if got, err := conn.ReadFull(1); string(got) != "y" || err != nil {
		t.Errorf("after Discard ReadFull(1) = %q, %v", got, err)
	}
}

func TestAppendCopies(t *testing.T) {
	conn := arriving("ab\ncd", "ef\n")
	msg, err := conn.AppendUntil([]byte(">"), []byte("\n"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if msg, err = conn.AppendFull(msg, 4); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.ReadAll(0)
	if string(msg) != ">abcdef" {
		t.Errorf("appended %q", msg)
	}
	if got, err := conn.AppendUntil(msg, []byte("\n"), 0); string(got) != ">abcdef" || !errors.Is(err, io.EOF) {
		t.Errorf("after the end AppendUntil = %q, %v", got, err)
	}
}

func TestReadGivesBufferedFirst(t *testing.T) {
	conn := arriving("line\nrest", strings.Repeat("x", 2000))
	if _, err := conn.ReadUntil([]byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"re", "st", "xx"} {
		p := make([]byte, 2)
		if n, err := conn.Read(p); string(p[:n]) != want || err != nil {
			t.Errorf("Read = %q, %v; want %q", p[:n], err, want)
		}
	}
	if got, err := io.ReadAll(conn); len(got) != 1998 || err != nil {
		t.Errorf("the rest is %d bytes, %v", len(got), err)
	}
}

func TestReadFrame(t *testing.T) {
	errBad := errors.New("bad frame")
	lengthByte := func(b []byte) (int, error) { // one digit and as many bytes
		if len(b) == 0 {
			return 0, nil
		}
		if b[0] < '0' || b[0] > '9' {
			return 0, errBad
		}
		return 1 + int(b[0]-'0'), nil
	}
	tests := map[string]struct {
		arrive []string
		max    int
		want   string
		err    error
	}{
		"whole":          {[]string{"3abc"}, 0, "3abc", nil},
		"in parts":       {[]string{"3", "a", "bc"}, 0, "3abc", nil},
		"known too long": {[]string{"9"}, 4, "", netbuf.ErrTooLong},
		"refused":        {[]string{"x"}, 0, "", errBad},
		"cut off":        {[]string{"3a"}, 0, "", io.ErrUnexpectedEOF},
		"none":           {nil, 0, "", io.EOF},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			conn := arriving(test.arrive...)
			got, err := conn.ReadFrame(test.max, lengthByte)
			if string(got) != test.want || !errors.Is(err, test.err) {
				t.Errorf("ReadFrame = %q, %v; want %q, %v", got, err, test.want, test.err)
			}
			if arrived := strings.Join(test.arrive, ""); err != nil && string(conn.Buffered()) != arrived {
				t.Errorf("Buffered = %q; want %q", conn.Buffered(), arrived)
			}
		})
	}
}

// reset is the kind of error whose details a caller may want.
type reset struct{ at string }

func (r *reset) Error() string { return "reset at " + r.at }

func TestMessageErrorTellsWhy(t *testing.T) {
	conn := netbuf.NewConn(&chunks{left: []string{strings.Repeat("x", 300)}, err: &reset{"night"}})
	_, err := conn.ReadFull(1000)
	var failed *netbuf.MessageError
	if !errors.As(err, &failed) {
		t.Fatalf("ReadFull: %T", err)
	}
	if failed.Op != "read full" || failed.Len != 300 || len(failed.Seen) != 256 {
		t.Errorf("MessageError has %q, %d bytes, %d copied", failed.Op, failed.Len, len(failed.Seen))
	}
	var why *reset
	if !errors.As(err, &why) || why.at != "night" {
		t.Errorf("the reason is lost: %v", err)
	}
	if strings.Contains(err.Error(), "xxx") {
		t.Errorf("the bytes are in the text: %v", err)
	}
}

func TestErrorThatComesWithBytes(t *testing.T) {
	conn := netbuf.NewConn(&lastRead{data: "ab\nc"})
	if got, err := conn.ReadUntil([]byte("\n"), 0); string(got) != "ab" || err != nil {
		t.Errorf("ReadUntil = %q, %v", got, err)
	}
	if _, err := conn.ReadUntil([]byte("\n"), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("then %v", err)
	}
}

// lastRead is a connection whose bytes come together with the end.
type lastRead struct {
	net.Conn
	data string
}

func (l *lastRead) Read(p []byte) (int, error) {
	n := copy(p, l.data)
	l.data = l.data[n:]
	return n, io.EOF
}

func TestConnectionThatReturnsNothing(t *testing.T) {
	conn := netbuf.NewConn(&chunks{})
	if _, err := conn.Peek(1); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Peek: %v", err)
	}
}

func TestGoesOnAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t)
		conn.Limits.ReadTimeout = time.Second
		go func() {
			_, _ = io.WriteString(far, "first ")
			time.Sleep(1500 * time.Millisecond)
			_, _ = io.WriteString(far, "half\n")
		}()
		steps := []struct {
			max  int
			want string
			err  error
		}{
			{0, "", os.ErrDeadlineExceeded},
			{4, "", netbuf.ErrTooLong},
			{0, "first half", nil},
		}
		for _, step := range steps {
			got, err := conn.ReadUntil([]byte("\n"), step.max)
			if string(got) != step.want || !errors.Is(err, step.err) {
				t.Errorf("ReadUntil(max %d) = %q, %v; want %q, %v", step.max, got, err, step.want, step.err)
			}
		}
	})
}

func FuzzReadUntil(f *testing.F) {
	f.Add([]byte("a\r\nbb\r\n\r\nc"), []byte("\r\n"), byte(1))
	f.Add([]byte("aabaaab"), []byte("aab"), byte(2))
	f.Add(bytes.Repeat([]byte("0123456789abcdef"), 300), []byte("fe"), byte(255))
	f.Fuzz(func(t *testing.T, data, delim []byte, chunk byte) {
		if len(delim) == 0 {
			return
		}
		conn := netbuf.NewConn(newTrickle(data, int(chunk)+1))
		for rest := data; ; {
			want, after, found := bytes.Cut(rest, delim)
			got, err := conn.ReadUntil(delim, len(data)+1)
			if !found {
				if err == nil || !bytes.Equal(conn.Buffered(), rest) {
					t.Fatalf("at the end %q, %v, buffered %q; want %q", got, err, conn.Buffered(), rest)
				}
				return
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got %q, %v; want %q", got, err, want)
			}
			rest = after
		}
	})
}

// newTrickle returns a connection that gives data in reads of at most n bytes.
func newTrickle(data []byte, n int) net.Conn {
	trickle := &chunks{err: io.EOF}
	for len(data) > 0 {
		size := min(n, len(data))
		trickle.left = append(trickle.left, string(data[:size]))
		data = data[size:]
	}
	return trickle
}
