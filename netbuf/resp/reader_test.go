package resp_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
)

// values are well-formed, each with what show makes of it.
var values = map[string]struct{ wire, want string }{
	"simple string":         {"+OK\r\n", `+"OK"`},
	"empty simple string":   {"+\r\n", `+""`},
	"looks like a stream":   {"+?\r\n", `+"?"`},
	"error":                 {"-ERR no\r\n", `-"ERR no"`},
	"integer":               {":-12\r\n", `:"-12"`},
	"signed integer":        {":+12\r\n", `:"+12"`},
	"bulk string":           {"$4\r\na\r\nb\r\n", `$"a\r\nb"`},
	"empty bulk string":     {"$0\r\n\r\n", `$""`},
	"null bulk string":      {"$-1\r\n", "null"},
	"null array":            {"*-1\r\n", "null"},
	"null":                  {"_\r\n", "null"},
	"array":                 {"*2\r\n:1\r\n+b\r\n", `*[:"1",+"b",]`},
	"empty array":           {"*0\r\n", "*[]"},
	"array of nulls":        {"*3\r\n$-1\r\n*-1\r\n_\r\n", "*[null,null,null,]"},
	"nested arrays":         {"*2\r\n*1\r\n*0\r\n*1\r\n:1\r\n", `*[*[*[],],*[:"1",],]`},
	"true":                  {"#t\r\n", `#"t"`},
	"false":                 {"#f\r\n", `#"f"`},
	"double":                {",1.5e-3\r\n", `,"1.5e-3"`},
	"infinity":              {",-inf\r\n", `,"-inf"`},
	"not a number":          {",nan\r\n", `,"nan"`},
	"big number":            {"(-349238409823409283409823094\r\n", `("-349238409823409283409823094"`},
	"bulk error":            {"!5\r\nERR x\r\n", `!"ERR x"`},
	"verbatim":              {"=8\r\nmkd:# hi\r\n", `=mkd "# hi"`},
	"empty verbatim":        {"=4\r\ntxt:\r\n", `=txt ""`},
	"map":                   {"%2\r\n+a\r\n:1\r\n+b\r\n*0\r\n", `%[+"a"::"1",+"b":*[],]`},
	"set":                   {"~2\r\n:1\r\n:2\r\n", `~[:"1",:"2",]`},
	"push":                  {">2\r\n+message\r\n+hi\r\n", `>[+"message",+"hi",]`},
	"attributes":            {"|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n", `(+"ttl" is :"3")$"x"`},
	"attributes twice":      {"|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n_\r\n", `(+"a" is :"1")(+"b" is :"2")null`},
	"attributes in array":   {"*2\r\n|1\r\n+a\r\n:1\r\n:5\r\n:6\r\n", `*[(+"a" is :"1"):"5",:"6",]`},
	"attributes of a pair":  {"|1\r\n|1\r\n+a\r\n:1\r\n+b\r\n:2\r\n_\r\n", `((+"a" is :"1")+"b" is :"2")null`},
	"no attributes":         {"|0\r\n+x\r\n", `+"x"`},
	"attributes of push":    {"|1\r\n+a\r\n:1\r\n>1\r\n+m\r\n", `(+"a" is :"1")>[+"m",]`},
	"streamed string":       {"$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;2\r\nld\r\n;0\r\n", `$"Hello world"`},
	"empty streamed string": {"$?\r\n;0\r\n", `$""`},
	"streamed array":        {"*?\r\n:1\r\n*?\r\n.\r\n.\r\n", `*[:"1",*[],]`},
	"streamed set":          {"~?\r\n:1\r\n.\r\n", `~[:"1",]`},
	"streamed map":          {"%?\r\n+a\r\n:1\r\n.\r\n", `%[+"a"::"1",]`},
	"streams in an array":   {"*2\r\n$?\r\n;1\r\na\r\n;0\r\n*?\r\n.\r\n", `*[$"a",*[],]`},
}

func TestRead(t *testing.T) {
	for name, test := range values {
		for _, n := range []int{1, 2, 7, 1000} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				r := arriving(test.wire+"+next\r\n", n)
				v, err := r.Read()
				if err != nil || show(v) != test.want {
					t.Fatalf("Read(%q) = %s, %v; want %s", test.wire, show(v), err, test.want)
				}
				if string(v.Raw()) != test.wire {
					t.Errorf("Raw = %q; want %q", v.Raw(), test.wire)
				}
				if v, err := r.Read(); err != nil || show(v) != `+"next"` {
					t.Errorf("the next value is %s, %v", show(v), err)
				}
				if _, err := r.Read(); !errors.Is(err, io.EOF) {
					t.Errorf("at the end %v", err)
				}
			})
		}
	}
}

func TestReadCutOff(t *testing.T) {
	for name, test := range values {
		for n := 1; n < len(test.wire); n++ {
			r := arriving(test.wire[:n], 1000)
			if v, err := r.Read(); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: Read(%q) = %s, %v", name, test.wire[:n], show(v), err)
			}
			if got := string(r.Conn.Buffered()); got != test.wire[:n] {
				t.Errorf("%s: Buffered = %q; want %q", name, got, test.wire[:n])
			}
		}
	}
}

// hostile must be refused without waiting for more.
var hostile = map[string]struct {
	wire string
	err  error
}{
	"many elements":            {"*1000000000\r\n", netbuf.ErrTooLong},
	"very many elements":       {"*99999999999999999999\r\n", netbuf.ErrTooLong},
	"many elements, nested":    {"*2\r\n*900000\r\n:1\r\n*1048576\r\n", netbuf.ErrTooLong},
	"many pairs":               {"%999999999\r\n", netbuf.ErrTooLong},
	"many attributes":          {"|999999999\r\n", netbuf.ErrTooLong},
	"deep":                     {strings.Repeat("*1\r\n", 33), netbuf.ErrTooLong},
	"deep attributes":          {strings.Repeat("|1\r\n", 33), netbuf.ErrTooLong},
	"long bulk string":         {"$999999999\r\n", netbuf.ErrTooLong},
	"long nested bulk string":  {"*1\r\n$999999999\r\n", netbuf.ErrTooLong},
	"longer than any length":   {"$9999999999\r\n", resp.ErrSyntax},
	"endless digits":           {"$" + strings.Repeat("9", 1000), resp.ErrSyntax},
	"endless count":            {"*" + strings.Repeat("9", 1000), resp.ErrSyntax},
	"another protocol":         {"HTTP/1.1 200 OK\r\n", resp.ErrSyntax},
	"empty line":               {"\r\n", resp.ErrSyntax},
	"line feed alone":          {"+OK\n", resp.ErrSyntax},
	"carriage return in line":  {"+O\rK\r\n", resp.ErrSyntax},
	"no length":                {"$\r\n", resp.ErrSyntax},
	"negative length":          {"$-2\r\n", resp.ErrSyntax},
	"negative count":           {"*-2\r\n", resp.ErrSyntax},
	"null map":                 {"%-1\r\n", resp.ErrSyntax},
	"null error":               {"!-1\r\n", resp.ErrSyntax},
	"zero before length":       {"$03\r\nabc\r\n", resp.ErrSyntax},
	"plus before length":       {"$+3\r\nabc\r\n", resp.ErrSyntax},
	"text for length":          {"$3a\r\n", resp.ErrSyntax},
	"too little payload":       {"$3\r\nabcd\r\n", resp.ErrSyntax},
	"no number":                {":\r\n", resp.ErrSyntax},
	"not a number":             {":1a\r\n", resp.ErrSyntax},
	"number beyond 64 bits":    {":9223372036854775808\r\n", resp.ErrSyntax},
	"hexadecimal double":       {",0x1p-2\r\n", resp.ErrSyntax},
	"no double":                {",\r\n", resp.ErrSyntax},
	"no big number":            {"(-\r\n", resp.ErrSyntax},
	"letters in big number":    {"(12a4\r\n", resp.ErrSyntax},
	"neither true nor false":   {"#y\r\n", resp.ErrSyntax},
	"null with text":           {"_x\r\n", resp.ErrSyntax},
	"verbatim without format":  {"=5\r\nhello\r\n", resp.ErrSyntax},
	"verbatim too short":       {"=3\r\ntxt\r\n", resp.ErrSyntax},
	"push in an array":         {"*1\r\n>1\r\n", resp.ErrSyntax},
	"streamed push":            {">?\r\n", resp.ErrSyntax},
	"streamed attributes":      {"|?\r\n", resp.ErrSyntax},
	"end of no stream":         {".\r\n", resp.ErrSyntax},
	"end of a counted array":   {"*1\r\n.\r\n", resp.ErrSyntax},
	"end with text":            {"*?\r\n.x\r\n", resp.ErrSyntax},
	"end after a key":          {"%?\r\n+a\r\n.\r\n", resp.ErrSyntax},
	"end after attributes":     {"*?\r\n|1\r\n+a\r\n+b\r\n.\r\n", resp.ErrSyntax},
	"part of no stream":        {";1\r\na\r\n", resp.ErrSyntax},
	"value in streamed string": {"$?\r\n:1\r\n", resp.ErrSyntax},
	"end in streamed string":   {"$?\r\n.\r\n", resp.ErrSyntax},
	"null part":                {"$?\r\n;-1\r\n", resp.ErrSyntax},
}

func TestReadRefuses(t *testing.T) {
	for name, test := range hostile {
		for _, n := range []int{1, 1000} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				r := arriving(test.wire, n)
				v, err := r.Read()
				if !errors.Is(err, test.err) {
					t.Errorf("Read(%.40q) = %s, %v; want %v", test.wire, show(v), err, test.err)
				}
				if got := string(r.Conn.Buffered()); !strings.HasPrefix(test.wire, got) {
					t.Errorf("Buffered = %q", got)
				}
			})
		}
	}
}

func TestPromisesAllocateNothing(t *testing.T) {
	for _, wire := range []string{
		"*1000000000\r\n",
		"$" + strings.Repeat("9", 400),
		strings.Repeat("*1\r\n", 100),
		"garbage",
	} {
		r := arriving(wire, 1000)
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := r.Read(); err == nil {
				t.Fatalf("%.20q was taken", wire)
			}
		})
		if allocs != 0 {
			t.Errorf("%.20q: %v allocations", wire, allocs)
		}
	}
}

func TestReadAgainAfterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		near.Limits.ReadTimeout = time.Second
		go func() {
			_, _ = io.WriteString(far, "*2\r\n$3\r\nab")
			time.Sleep(1500 * time.Millisecond)
			_, _ = io.WriteString(far, "c\r\n:1\r\n")
		}()
		r := resp.Reader{Conn: near}
		if _, err := r.Read(); err == nil {
			t.Fatal("no time-out")
		}
		if v, err := r.Read(); err != nil || show(v) != `*[$"abc",:"1",]` {
			t.Errorf("after the time-out Read = %s, %v", show(v), err)
		}
	})
}

func TestValueConversions(t *testing.T) {
	parse := func(wire string) resp.Value {
		v, err := resp.Parse([]byte(wire))
		if err != nil {
			t.Fatalf("Parse(%q): %v", wire, err)
		}
		return v
	}
	if n, err := parse(":-7\r\n").Int(); n != -7 || err != nil {
		t.Errorf("Int of an integer = %d, %v", n, err)
	}
	if n, err := parse("$2\r\n42\r\n").Int(); n != 42 || err != nil {
		t.Errorf("Int of a string = %d, %v", n, err)
	}
	if _, err := parse("+OK\r\n").Int(); err == nil {
		t.Error("Int of OK gives no error")
	}
	if f, err := parse(",-inf\r\n").Float(); !math.IsInf(f, -1) || err != nil {
		t.Errorf("Float of -inf = %v, %v", f, err)
	}
	if !parse("#t\r\n").Bool() || !parse(":1\r\n").Bool() || parse("#f\r\n").Bool() || parse("+t\r\n").Bool() {
		t.Error("Bool is wrong")
	}
	if err := parse("!7\r\nERR a\nb\r\n").Err(); err == nil || err.Error() != "ERR a\nb" {
		t.Errorf("Err of a bulk error = %v", err)
	}
	if err := parse("+OK\r\n").Err(); err != nil {
		t.Errorf("Err of OK = %v", err)
	}
	if n := parse("%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n").Len(); n != 2 {
		t.Errorf("Len of two pairs = %d", n)
	}
	if v := (resp.Value{}); v.Kind() != resp.Null || v.Bytes() != nil || v.Len() != 0 || v.Clone().Raw() != nil {
		t.Errorf("the zero Value is %s", show(v))
	}
}

func TestIterationStopsEarly(t *testing.T) {
	v, err := resp.Parse([]byte("|2\r\n+a\r\n:1\r\n+b\r\n:2\r\n%2\r\n+c\r\n:3\r\n+d\r\n:4\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for key := range v.Attributes() {
		if string(key.Bytes()) != "a" {
			t.Errorf("attribute %s", key.Bytes())
		}
		break
	}
	for key := range v.Pairs() {
		if string(key.Bytes()) != "c" {
			t.Errorf("key %s", key.Bytes())
		}
		break
	}
	for element := range v.Elements() {
		if string(element.Bytes()) != "c" {
			t.Errorf("element %s", element.Bytes())
		}
		break
	}
}

func TestParseWantsOneValue(t *testing.T) {
	for _, wire := range []string{"", "+OK", "+OK\r\n+OK\r\n", "*2\r\n:1\r\n"} {
		if _, err := resp.Parse([]byte(wire)); !errors.Is(err, resp.ErrSyntax) {
			t.Errorf("Parse(%q): %v", wire, err)
		}
	}
}

func TestCloneOutlivesTheBuffer(t *testing.T) {
	r := arriving("|1\r\n+a\r\n:1\r\n$5\r\nfirst\r\n$6\r\nsecond\r\n", 25)
	v, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	clone, want := v.Clone(), show(v)
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	if got := show(clone); got != want {
		t.Errorf("the clone is %s; want %s", got, want)
	}
}

func TestReadCommand(t *testing.T) {
	tests := map[string]struct {
		wire string
		want string
		err  error
	}{
		"arguments":     {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n", `["SET" "a" ""]`, nil},
		"nothing":       {"*0\r\n", "[]", nil},
		"not an array":  {"$4\r\nPING\r\n", "[]", resp.ErrNotCommand},
		"null":          {"*-1\r\n", "[]", resp.ErrNotCommand},
		"number":        {"*1\r\n:1\r\n", "[]", resp.ErrNotCommand},
		"null argument": {"*1\r\n$-1\r\n", "[]", resp.ErrNotCommand},
		"in parts":      {"*1\r\n$?\r\n;0\r\n", "[]", resp.ErrNotCommand},
		"inline":        {"PING\r\n", "[]", resp.ErrSyntax},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := arriving(test.wire+"*1\r\n$4\r\nPING\r\n", 1000)
			command, err := r.ReadCommand()
			if got := fmt.Sprintf("%q", command.Args); got != test.want || !errors.Is(err, test.err) {
				t.Fatalf("ReadCommand = %s, %v; want %s, %v", got, err, test.want, test.err)
			}
			if err == nil && string(command.Raw) != test.wire {
				t.Errorf("Raw = %q; want %q", command.Raw, test.wire)
			}
			if errors.Is(err, resp.ErrSyntax) {
				return
			}
			if command, err = r.ReadCommand(); err != nil || len(command.Args) != 1 {
				t.Errorf("the next command is %q, %v", command.Args, err)
			}
		})
	}
}

func TestForward(t *testing.T) {
	for name, test := range values {
		for _, n := range []int{1, 5, 1000} {
			r := arriving(test.wire+"+next\r\n", n)
			out := &source{}
			dst := netbuf.NewConn(out)
			size, err := r.Forward(dst)
			_ = dst.Flush()
			if got := out.wrote.String(); got != test.wire || err != nil || size != int64(len(test.wire)) {
				t.Errorf("%s: Forward = %d, %v, %q; want %q", name, size, err, got, test.wire)
			}
			if v, err := r.Read(); err != nil || show(v) != `+"next"` {
				t.Errorf("%s: the next value is %s, %v", name, show(v), err)
			}
		}
	}
}

func TestForwardRefuses(t *testing.T) {
	for name, test := range hostile {
		if strings.Contains(name, "long") {
			continue // long strings are what Forward is for
		}
		r := arriving(test.wire, 1000)
		if _, err := r.Forward(netbuf.NewConn(&source{})); !errors.Is(err, test.err) {
			t.Errorf("%s: Forward(%.40q): %v; want %v", name, test.wire, err, test.err)
		}
	}
}

func TestForwardMoreThanTheLimit(t *testing.T) {
	payload := strings.Repeat("0123456789abcdef", 1<<18)
	wire := fmt.Sprintf("*2\r\n$%d\r\n%s\r\n:1\r\n", len(payload), payload)
	r := arriving(wire, 10_000)
	r.Conn.Limits.Message = 1024
	out := &source{}
	dst := netbuf.NewConn(out)
	if _, err := r.Forward(dst); err != nil {
		t.Fatal(err)
	}
	_ = dst.Flush()
	if out.wrote.String() != wire {
		t.Errorf("%d bytes were forwarded of %d", out.wrote.Len(), len(wire))
	}
}

func TestForwardCutOff(t *testing.T) {
	r := arriving("$10\r\nabc", 1000)
	if n, err := r.Forward(netbuf.NewConn(&source{})); n != 8 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Forward = %d, %v", n, err)
	}
	if n, err := r.Forward(netbuf.NewConn(&source{})); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("then Forward = %d, %v", n, err)
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	wire := "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"
	r := arriving(strings.Repeat(wire, 3000), 1<<20)
	reads := map[string]func() error{
		"Read": func() error {
			v, err := r.Read()
			for arg := range v.Elements() {
				if len(arg.Bytes()) < 3 {
					t.Errorf("argument %s", arg.Bytes())
				}
			}
			return err
		},
		"ReadCommand": func() error { _, err := r.ReadCommand(); return err },
	}
	for name, read := range reads {
		allocs := testing.AllocsPerRun(1000, func() {
			if err := read(); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}
