package resp_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
)

// source is a connection that brings data, at most n bytes in a read, and keeps
// what is written.
type source struct {
	net.Conn
	data  []byte
	n     int
	wrote bytes.Buffer
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.data[:min(s.n, len(s.data))])
	s.data = s.data[n:]
	return n, nil
}

func (s *source) Write(p []byte) (int, error) { return s.wrote.Write(p) }

// arriving returns a Reader of data that comes in reads of at most n bytes.
func arriving(data string, n int) *resp.Reader {
	return &resp.Reader{Conn: netbuf.NewConn(&source{data: []byte(data), n: n})}
}

// written returns what write puts on the wire.
func written(protocol int, write func(*resp.Writer)) (string, error) {
	out := &source{}
	w := resp.Writer{Conn: netbuf.NewConn(out), Protocol: protocol}
	write(&w)
	err := w.Flush()
	return out.wrote.String(), err
}

// show writes a value as people would.
func show(v resp.Value) string {
	var b strings.Builder
	for key, value := range v.Attributes() {
		fmt.Fprintf(&b, "(%s is %s)", show(key), show(value))
	}
	switch v.Kind() {
	case resp.Null:
		b.WriteString("null")
	case resp.Array, resp.Set, resp.Push:
		fmt.Fprintf(&b, "%c[", v.Kind())
		for element := range v.Elements() {
			fmt.Fprintf(&b, "%s,", show(element))
		}
		b.WriteString("]")
	case resp.Map:
		b.WriteString("%[")
		for key, value := range v.Pairs() {
			fmt.Fprintf(&b, "%s:%s,", show(key), show(value))
		}
		b.WriteString("]")
	case resp.Verbatim:
		fmt.Fprintf(&b, "=%s %q", v.Format(), v.Bytes())
	default:
		fmt.Fprintf(&b, "%c%q", v.Kind(), v.Bytes())
	}
	return b.String()
}

func ExampleReader() {
	near, far := net.Pipe()
	go func() { _, _ = io.WriteString(far, "%2\r\n+name\r\n$5\r\nvenus\r\n+mass\r\n,4.867e24\r\n") }()

	reader := resp.Reader{Conn: netbuf.NewConn(near)}
	planet, err := reader.Read()
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, value := range planet.Pairs() {
		fmt.Printf("%s: %s\n", key.Bytes(), value.Bytes())
	}
	// Output:
	// name: venus
	// mass: 4.867e24
}

func ExampleWriter() {
	near, far := net.Pipe()
	go func() {
		w := resp.Writer{Conn: netbuf.NewConn(near)}
		w.Command("SET", "planet", "venus")
		_ = w.Flush()
		_ = near.Close()
	}()
	wire, _ := io.ReadAll(far)
	fmt.Printf("%q\n", wire)
	// Output:
	// "*3\r\n$3\r\nSET\r\n$6\r\nplanet\r\n$5\r\nvenus\r\n"
}

func ExampleValue() {
	v, err := resp.Parse([]byte("*3\r\n:1\r\n$3\r\ntwo\r\n_\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for element := range v.Elements() {
		fmt.Printf("%c %s\n", element.Kind(), element.Bytes())
	}
	// Output:
	// : 1
	// $ two
	// _
}

func ExampleLimits() {
	near, far := net.Pipe()
	go func() { _, _ = io.WriteString(far, "*1000000000\r\n") }()

	reader := resp.Reader{Conn: netbuf.NewConn(near), Limits: resp.Limits{Values: 100}}
	_, err := reader.Read()
	fmt.Println(err)
	// Output:
	// resp: too many values: netbuf: message too long
}

func ExampleCommand() {
	near, far := net.Pipe()
	go func() { _, _ = io.WriteString(far, "*2\r\n$3\r\nGET\r\n$6\r\nplanet\r\n") }()

	reader := resp.Reader{Conn: netbuf.NewConn(near)}
	command, err := reader.ReadCommand()
	fmt.Printf("%s %v\n", command.Args, err)
	// Output:
	// [GET planet] <nil>
}

func ExampleError() {
	v, _ := resp.Parse([]byte("-WRONGTYPE not a list\r\n"))
	fmt.Println(v.Err())
	// Output:
	// WRONGTYPE not a list
}

func ExampleKind() {
	v, _ := resp.Parse([]byte("$-1\r\n"))
	fmt.Println(v.Kind() == resp.Null)
	// Output:
	// true
}
