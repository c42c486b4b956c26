package resp_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
)

// redis starts a redis-server on a unix socket and returns a connection to it.
func redis(t *testing.T) *netbuf.Conn {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no redis-server: apt-get install redis-server")
		}
		t.Skip("no redis-server: apt-get install redis-server")
	}
	socket := filepath.Join(t.TempDir(), "s")
	server := exec.Command(program, "--port", "0", "--unixsocket", socket, "--save", "", "--enable-debug-command", "local")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	awaitReady(t, netbuf.NewConn(pipeConn{out.(*os.File)}))
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	conn := netbuf.NewConn(nc)
	conn.Limits.ReadTimeout = 10 * time.Second
	return conn
}

// pipeConn makes a pipe from a process a connection to read from.
type pipeConn struct{ *os.File }

func (pipeConn) LocalAddr() net.Addr  { return nil }
func (pipeConn) RemoteAddr() net.Addr { return nil }

// awaitReady reads what the server logs until it listens.
func awaitReady(t *testing.T, log *netbuf.Conn) {
	t.Helper()
	log.Limits.ReadTimeout = 10 * time.Second
	for {
		line, err := log.ReadUntil([]byte("\n"), 0)
		if err != nil {
			t.Fatalf("redis-server did not get ready: %v; it said %q", err, log.Buffered())
		}
		if strings.Contains(strings.ToLower(string(line)), "ready to accept connections") {
			return
		}
	}
}

func TestRedisAnswers(t *testing.T) {
	conn := redis(t)
	tests := []struct {
		command string
		want2   string
		want3   string
	}{
		{"PING", `+"PONG"`, `+"PONG"`},
		{"SET greeting hello", `+"OK"`, `+"OK"`},
		{"GET greeting", `$"hello"`, `$"hello"`},
		{"GET nothing", "null", "null"},
		{"INCR greeting", `-"ERR value is not an integer or out of range"`, `-"ERR value is not an integer or out of range"`},
		{"HSET planet name venus", "", ""},
		{"HGETALL planet", `*[$"name",$"venus",]`, `%[$"name":$"venus",]`},
		{"SADD moons 1", "", ""},
		{"SMEMBERS moons", `*[$"1",]`, `~[$"1",]`},
		{"ZADD mass 4.867 venus", "", ""},
		{"ZSCORE mass venus", `$"4.867"`, `,"4.867"`},
		{"DEBUG PROTOCOL true", `:"1"`, `#"t"`},
		{"DEBUG PROTOCOL verbatim", `$"This is a verbatim\nstring"`, `=txt "This is a verbatim\nstring"`},
		{"DEBUG PROTOCOL bignum", `$"1234567999999999999999999999999999999"`, `("1234567999999999999999999999999999999"`},
		{"DEBUG PROTOCOL attrib", `$"Some real reply following the attribute"`,
			`($"key-popularity" is *[$"key:123",:"90",])$"Some real reply following the attribute"`},
		{"DEBUG PROTOCOL map", `*[:"0",:"0",:"1",:"1",:"2",:"0",]`, `%[:"0":#"f",:"1":#"t",:"2":#"f",]`},
		{"DEBUG PROTOCOL null", "null", "null"},
	}
	for protocol := 2; protocol <= 3; protocol++ {
		ask(t, conn, fmt.Sprintf("HELLO %d", protocol))
		for _, test := range tests {
			want := test.want2
			if protocol == 3 {
				want = test.want3
			}
			got := ask(t, conn, test.command)
			if want != "" && got != want {
				t.Errorf("RESP%d: %s gave %s; want %s", protocol, test.command, got, want)
			}
		}
	}
}

// ask sends a command and shows the answer.
func ask(t *testing.T, conn *netbuf.Conn, command string) string {
	t.Helper()
	words := strings.Fields(command)
	w := resp.Writer{Conn: conn}
	w.Command(words[0], words[1:]...)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r := resp.Reader{Conn: conn}
	v, err := r.Read()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return show(v)
}

func TestRedisPipelineAndPush(t *testing.T) {
	const n = 1000
	conn := redis(t)
	ask(t, conn, "HELLO 3")
	w, r := resp.Writer{Conn: conn}, resp.Reader{Conn: conn}
	for range n {
		w.Command("INCR", "counter")
	}
	w.Command("SUBSCRIBE", "news")
	w.Command("PUBLISH", "news", "hello")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range int64(n) {
		v, err := r.Read()
		if got, _ := v.Int(); got != i+1 || err != nil {
			t.Fatalf("answer %d is %s, %v", i, show(v), err)
		}
	}
	got := make(map[string]bool) // the push may come before or after the answer
	for range 3 {
		v, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		got[show(v)] = true
	}
	for _, want := range []string{`>[$"subscribe",$"news",:"1",]`, `>[$"message",$"news",$"hello",]`, `:"1"`} {
		if !got[want] {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
}
