package resp_test

import (
	"errors"
	"math"
	"math/big"
	"net"
	"strings"
	"testing"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
)

// pipe returns a Conn and the other end, both closed after the test.
func pipe(t *testing.T) (*netbuf.Conn, net.Conn) {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return netbuf.NewConn(near), far
}

func TestWriter(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	big1 := new(big.Int).Lsh(big.NewInt(1), 70)
	tests := map[string]struct {
		write        func(*resp.Writer)
		want2, want3 string
	}{
		"simple string": {func(w *resp.Writer) { w.SimpleString("OK") }, "+OK\r\n", ""},
		"line breaks":   {func(w *resp.Writer) { w.Error("ERR a\r\n+OK") }, "-ERR a  +OK\r\n", ""},
		"integer":       {func(w *resp.Writer) { w.Integer(math.MinInt64) }, ":-9223372036854775808\r\n", ""},
		"bulk":          {func(w *resp.Writer) { w.Bulk([]byte("a\r\n")) }, "$3\r\na\r\n\r\n", ""},
		"long bulk":     {func(w *resp.Writer) { w.Bulk([]byte(long)) }, "$100000\r\n" + long + "\r\n", ""},
		"command":       {func(w *resp.Writer) { w.Command("GET", "a") }, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", ""},
		"long command":  {func(w *resp.Writer) { w.CommandBytes("SET", []byte("a"), []byte(long)) }, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100000\r\n" + long + "\r\n", ""},
		"long strings":  {func(w *resp.Writer) { w.Command("A", long, long) }, "*3\r\n$1\r\nA\r\n" + strings.Repeat("$100000\r\n"+long+"\r\n", 2), ""},
		"null":          {func(w *resp.Writer) { w.Null() }, "$-1\r\n", "_\r\n"},
		"true":          {func(w *resp.Writer) { w.Bool(true) }, ":1\r\n", "#t\r\n"},
		"false":         {func(w *resp.Writer) { w.Bool(false) }, ":0\r\n", "#f\r\n"},
		"double":        {func(w *resp.Writer) { w.Double(-0.1) }, "$4\r\n-0.1\r\n", ",-0.1\r\n"},
		"infinity":      {func(w *resp.Writer) { w.Double(math.Inf(1)) }, "$3\r\ninf\r\n", ",inf\r\n"},
		"less than all": {func(w *resp.Writer) { w.Double(math.Inf(-1)) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
		"not a number":  {func(w *resp.Writer) { w.Double(math.NaN()) }, "$3\r\nnan\r\n", ",nan\r\n"},
		"big number":    {func(w *resp.Writer) { w.BigNumber(big1) }, "$22\r\n1180591620717411303424\r\n", "(1180591620717411303424\r\n"},
		"bulk error":    {func(w *resp.Writer) { w.BulkError("ERR a\nb") }, "-ERR a b\r\n", "!7\r\nERR a\nb\r\n"},
		"verbatim":      {func(w *resp.Writer) { w.Verbatim("txt", "hi") }, "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"},
		"array":         {func(w *resp.Writer) { w.Array(1); w.Integer(1) }, "*1\r\n:1\r\n", ""},
		"set":           {func(w *resp.Writer) { w.Set(1); w.Integer(1) }, "*1\r\n:1\r\n", "~1\r\n:1\r\n"},
		"push":          {func(w *resp.Writer) { w.Push(1); w.Integer(1) }, "*1\r\n:1\r\n", ">1\r\n:1\r\n"},
		"map":           {func(w *resp.Writer) { w.Map(1); w.Integer(1); w.Integer(2) }, "*2\r\n:1\r\n:2\r\n", "%1\r\n:1\r\n:2\r\n"},
		"raw":           {func(w *resp.Writer) { w.Raw([]byte("+OK\r\n")) }, "+OK\r\n", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.want3 == "" {
				test.want3 = test.want2
			}
			for protocol, want := range map[int]string{0: test.want2, 2: test.want2, 3: test.want3} {
				got, err := written(protocol, test.write)
				if got != want || err != nil {
					t.Errorf("protocol %d: wrote %.60q, %v; want %.60q", protocol, got, err, want)
				}
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	tests := map[string]func(*resp.Writer){
		"attributes in version 2": func(w *resp.Writer) { w.Attributes(1) },
		"format of four letters":  func(w *resp.Writer) { w.Verbatim("text", "hi") },
	}
	for name, write := range tests {
		if got, err := written(2, write); err == nil || got != "" {
			t.Errorf("%s: wrote %q, %v", name, got, err)
		}
	}
}

func TestWriterStopsAtTheFirstError(t *testing.T) {
	near, far := pipe(t)
	_ = far.Close()
	w := resp.Writer{Conn: near}
	w.Bulk(make([]byte, 100_000))
	first, queued := w.Flush(), near.Queued()
	w.SimpleString("OK")
	if again := w.Flush(); first == nil || !errors.Is(again, first) || near.Queued() != queued {
		t.Errorf("Flush: %v, then %v, queued %d, then %d", first, again, queued, near.Queued())
	}
}

func TestTranslate(t *testing.T) {
	tests := map[string]struct{ wire, want2, want3 string }{
		"version 2 stays":    {"*2\r\n+a\r\n$1\r\nb\r\n", "*2\r\n+a\r\n$1\r\nb\r\n", "*2\r\n+a\r\n$1\r\nb\r\n"},
		"null":               {"*-1\r\n", "$-1\r\n", "_\r\n"},
		"map":                {"%1\r\n+a\r\n#t\r\n", "*2\r\n+a\r\n:1\r\n", "%1\r\n+a\r\n#t\r\n"},
		"numbers":            {"~2\r\n,1.50\r\n(12\r\n", "*2\r\n$4\r\n1.50\r\n$2\r\n12\r\n", "~2\r\n,1.50\r\n(12\r\n"},
		"texts":              {"*2\r\n=5\r\ntxt:a\r\n!3\r\nERR\r\n", "*2\r\n$1\r\na\r\n-ERR\r\n", "*2\r\n=5\r\ntxt:a\r\n!3\r\nERR\r\n"},
		"streamed string":    {"$?\r\n;1\r\na\r\n;1\r\nb\r\n;0\r\n", "$2\r\nab\r\n", "$2\r\nab\r\n"},
		"streamed aggregate": {"*?\r\n:1\r\n.\r\n", "*1\r\n:1\r\n", "*1\r\n:1\r\n"},
		"attributes":         {"|1\r\n+a\r\n:1\r\n+x\r\n", "+x\r\n", "|1\r\n+a\r\n:1\r\n+x\r\n"},
		"attributes of null": {"|1\r\n+a\r\n:1\r\n_\r\n", "$-1\r\n", "|1\r\n+a\r\n:1\r\n_\r\n"},
	}
	for name, test := range tests {
		v, err := resp.Parse([]byte(test.wire))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for protocol, want := range map[int]string{2: test.want2, 3: test.want3} {
			got, err := written(protocol, func(w *resp.Writer) { w.Value(v) })
			if got != want || err != nil {
				t.Errorf("%s: protocol %d: wrote %q, %v; want %q", name, protocol, got, err, want)
			}
		}
	}
}

func TestWriterDoesNotAllocate(t *testing.T) {
	w := resp.Writer{Conn: netbuf.NewConn(devNull{})}
	allocs := testing.AllocsPerRun(1000, func() {
		w.Command("SET", "key", "value")
		w.Integer(1)
		w.Double(1.5)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 && !raceEnabled {
		t.Errorf("%v allocations", allocs)
	}
}

// devNull is a connection that takes everything.
type devNull struct{ net.Conn }

func (devNull) Write(p []byte) (int, error) { return len(p), nil }
