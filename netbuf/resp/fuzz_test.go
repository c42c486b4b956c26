package resp_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
	"pgregory.net/rapid"
)

// FuzzRead reads anything. What is taken must come out the same however it
// arrived, and must survive being written and read again.
func FuzzRead(f *testing.F) {
	for _, value := range values {
		f.Add([]byte(value.wire), byte(0))
	}
	for _, bad := range hostile {
		f.Add([]byte(bad.wire), byte(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, n byte) {
		inParts, whole := arriving(string(data), int(n)+1), arriving(string(data), len(data)+1)
		forwarder := arriving(string(data), int(n)+1)
		for {
			v, err := inParts.Read()
			other, otherErr := whole.Read()
			if (err == nil) != (otherErr == nil) || !bytes.Equal(v.Raw(), other.Raw()) {
				t.Fatalf("%q in parts is %q, %v; whole %q, %v", data, v.Raw(), err, other.Raw(), otherErr)
			}
			if err != nil {
				checkError(t, err)
				return
			}
			checkForward(t, forwarder, v)
			checkTranslated(t, v)
		}
	})
}

func checkError(t *testing.T, err error) {
	for _, expected := range []error{io.EOF, io.ErrUnexpectedEOF, resp.ErrSyntax, netbuf.ErrTooLong} {
		if errors.Is(err, expected) {
			return
		}
	}
	t.Fatalf("unexpected %v", err)
}

// checkForward checks that the next value of r is forwarded as v.
func checkForward(t *testing.T, r *resp.Reader, v resp.Value) {
	out := &source{}
	dst := netbuf.NewConn(out)
	if _, err := r.Forward(dst); err != nil {
		t.Fatalf("forwarding %q: %v", v.Raw(), err)
	}
	_ = dst.Flush()
	if !bytes.Equal(out.wrote.Bytes(), v.Raw()) {
		t.Fatalf("forwarded %q; want %q", out.wrote.Bytes(), v.Raw())
	}
}

// checkTranslated checks that v, written in either version, reads the same from
// then on, and in version 3 shows the same.
func checkTranslated(t *testing.T, v resp.Value) {
	for _, protocol := range []int{2, 3} {
		once := translated(t, protocol, v)
		twice := translated(t, protocol, once)
		if !bytes.Equal(once.Raw(), twice.Raw()) {
			t.Fatalf("protocol %d: %q, then %q", protocol, once.Raw(), twice.Raw())
		}
		if protocol == 3 && show(once) != show(v) {
			t.Fatalf("%q became %q", v.Raw(), once.Raw())
		}
	}
}

func translated(t *testing.T, protocol int, v resp.Value) resp.Value {
	wire, err := written(protocol, func(w *resp.Writer) { w.Value(v) })
	if err != nil {
		t.Fatalf("writing %q: %v", v.Raw(), err)
	}
	back, err := resp.Parse([]byte(wire))
	if err != nil {
		t.Fatalf("%q was written as %q: %v", v.Raw(), wire, err)
	}
	return back
}

// FuzzWrite writes values made up from data and reads them back.
func FuzzWrite(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(checkWritten))
}

func TestWrittenIsReadBack(t *testing.T) { rapid.Check(t, checkWritten) }

func checkWritten(t *rapid.T) {
	var want string
	wire, err := written(3, func(w *resp.Writer) { want = writeAny(t, w, 3) })
	if err != nil {
		t.Fatal(err)
	}
	r := arriving(wire, rapid.IntRange(1, 20).Draw(t, "chunk"))
	v, err := r.Read()
	if err != nil || show(v) != want || len(r.Conn.Buffered()) != 0 {
		t.Fatalf("%q reads as %s, %v; want %s", wire, show(v), err, want)
	}
}
