package resp_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
)

// endless is a connection that brings the same bytes for ever.
type endless struct {
	net.Conn
	data []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.data[e.at:])
	e.at = (e.at + n) % len(e.data)
	return n, nil
}

func BenchmarkReadCommand(b *testing.B) {
	wire := []byte("*3\r\n$3\r\nSET\r\n$10\r\nsession:42\r\n$5\r\nvalue\r\n")
	r := resp.Reader{Conn: netbuf.NewConn(&endless{data: bytes.Repeat(wire, 1000)})}
	b.ReportAllocs()
	b.SetBytes(int64(len(wire)))
	for b.Loop() {
		if _, err := r.ReadCommand(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadBulkString(b *testing.B) {
	wire := []byte("$64\r\n" + string(bytes.Repeat([]byte{'x'}, 64)) + "\r\n")
	r := resp.Reader{Conn: netbuf.NewConn(&endless{data: bytes.Repeat(wire, 1000)})}
	b.ReportAllocs()
	b.SetBytes(int64(len(wire)))
	for b.Loop() {
		if _, err := r.Read(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteCommand(b *testing.B) {
	w := resp.Writer{Conn: netbuf.NewConn(devNull{})}
	b.ReportAllocs()
	for b.Loop() {
		w.Command("SET", "session:42", "value")
	}
}
