package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/netbuf"
	"github.com/support-go/support/netbuf/resp"
	"github.com/support-go/support/supporttest"
)

const patience = 30 * time.Second

// TestProxy puts the proxy between redis-cli and two servers, kills one of them
// in the middle, and starts it again.
func TestProxy(t *testing.T) {
	first, second := startRedis(t, freePort(t)), startRedis(t, freePort(t))
	first.set(t, "who", "first")
	second.set(t, "who", "second")
	group := support.New("redisproxy")
	if err := group.Upstream.Add("redis", redis(first.addr, second.addr)); err != nil {
		t.Fatal(err)
	}
	server := group.Stream("127.0.0.1:0", func(ctx context.Context, nc net.Conn) error {
		return (&session{up: &support.From(ctx).Upstream}).serve(ctx, nc)
	})
	supporttest.Start(t, group)
	addr := server.Addr().String()

	for _, test := range []struct {
		want    string
		command []string
	}{
		{"first", []string{"GET", "who"}},
		{"OK", []string{"SET", "key", "a value"}},
		{"a value", []string{"GET", "key"}},
		{"2", []string{"EXISTS", "key", "who"}},
		{"own", []string{"SUBSCRIBE", "x"}},
		{"number of arguments", []string{"GET"}},
	} {
		if got := cli(t, addr, test.command...); !strings.Contains(got, test.want) {
			t.Errorf("%v gives %q; want %q", test.command, got, test.want)
		}
	}
	if got := cli(t, addr, "GET", "key"); got != "a value" {
		t.Errorf("the key is %q", got)
	}

	// Clients go on asking while the first server is killed and comes back.
	c := newClients(t, addr)
	c.eventually("nobody is answered by the first", func() bool { return c.last() == "first" })
	first.kill(t)
	c.eventually("nobody is answered by the second", func() bool { return c.last() == "second" })
	first.start(t)
	first.set(t, "who", "first")
	c.eventually("the first does not come back", func() bool { return c.last() == "first" })
	answered, wrong := c.stop()
	if len(wrong) > 0 || answered == 0 {
		t.Errorf("%d answers, and these failures: %v", answered, wrong[:min(len(wrong), 5)])
	}
	if open := group.Upstream.State().Open; open > 2*2*8 {
		t.Errorf("%d connections to two servers for 8 clients", open)
	}
}

// clients ask who answers, all the time.
type clients struct {
	t    *testing.T
	stop func() (answered int, wrong []string)
	last func() string
}

func newClients(t *testing.T, addr string) *clients {
	var mu sync.Mutex
	var wait sync.WaitGroup
	over := make(chan struct{})
	answered, last := 0, ""
	var wrong []string
	for range 8 {
		wait.Go(func() {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			conn := netbuf.NewConn(nc)
			conn.Limits.ReadTimeout = patience
			w, r := resp.Writer{Conn: conn}, resp.Reader{Conn: conn}
			pace := time.NewTicker(2 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-over:
					return
				case <-pace.C:
				}
				w.Command("GET", "who")
				_ = w.Flush()
				v, err := r.Read()
				if err == nil {
					err = v.Err()
				}
				mu.Lock()
				answered++
				if who := string(v.Bytes()); err != nil || who != "first" && who != "second" && v.Kind() != resp.Null {
					wrong = append(wrong, fmt.Sprint(who, err))
				} else if v.Kind() != resp.Null { // the server has come back, and has not been told its name yet
					last = who
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	return &clients{
		t: t,
		stop: func() (int, []string) {
			close(over)
			wait.Wait()
			return answered, wrong
		},
		last: func() string {
			mu.Lock()
			defer mu.Unlock()
			return last
		},
	}
}

func (c *clients) eventually(what string, ok func() bool) {
	c.t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); !ok(); <-look.C {
		if time.Now().After(end) {
			c.t.Fatal(what)
		}
	}
}

// redisServer is a real one.
type redisServer struct {
	addr, port string
	cmd        *exec.Cmd
}

func startRedis(t *testing.T, addr string) *redisServer {
	t.Helper()
	_, port, _ := net.SplitHostPort(addr)
	s := &redisServer{addr: addr, port: port}
	s.start(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

func (s *redisServer) start(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("install the package redis-server")
		}
		t.Skip("install the package redis-server to run this")
	}
	s.cmd = exec.Command(program, "--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-look.C {
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatal("redis-server does not listen")
}

func (s *redisServer) set(t *testing.T, key, value string) {
	t.Helper()
	if got := cli(t, s.addr, "SET", key, value); got != "OK" {
		t.Fatalf("SET gives %q", got)
	}
}

// kill ends the server as a crash does.
func (s *redisServer) kill(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait() // its error is that it was killed
	s.cmd = nil
}

// cli runs redis-cli and returns what it prints.
func cli(t *testing.T, addr string, args ...string) string {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command("redis-cli", append([]string{"-h", host, "-p", port}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli %v: %v\n%s", args, err, out)
	}
	return string(bytes.TrimSpace(out))
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
