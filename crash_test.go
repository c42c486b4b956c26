//go:build unix

package support_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support"
)

// TestS12Panics wants the places back of handlers that panic, and tells their
// clients nothing.
func TestS12Panics(t *testing.T) {
	group := support.New("panics")
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := strconv.Atoi(r.URL.Path[1:]); err == nil {
			panic(n)
		}
		fmt.Fprint(w, "ok")
	}))
	r := start(t, group)
	for i := range 100 {
		c := dial(t, server.Addr())
		c.get("/" + strconv.Itoa(i))
		if b, err := c.r.ReadByte(); err == nil {
			t.Fatalf("the client is told %q of a panic", b)
		}
	}
	c := dial(t, server.Addr())
	c.get("/")
	c.gets("ok")
	_ = c.Close()
	eventually(t, "places are lost", func() bool { return group.Gate().State().Running == 0 })
	r.stop()
	_ = r.end()
}

// die ends this process in a way that no recover survives.
func die(how string) {
	switch how {
	case "/map":
		m := make(map[int]int)
		for range 10 {
			go func() {
				for i := 0; ; i++ {
					m[i%3] = i
				}
			}()
		}
		select {}
	case "/stack":
		var deeper func(n int) int
		deeper = func(n int) int { return deeper(n+1) + 1 }
		fmt.Println(deeper(0))
	case "/exit":
		os.Exit(3)
	case "/goroutine":
		go panic("oh")
		select {}
	}
}

// mortal is a handler that answers with its pid, holds a request until it has a
// body, and dies.
func mortal(w http.ResponseWriter, r *http.Request) {
	die(r.URL.Path)
	_ = http.NewResponseController(w).EnableFullDuplex() // or net/http wants the body before the answer
	fmt.Fprint(w, os.Getpid())
	if r.Method == http.MethodPost {
		_ = http.NewResponseController(w).Flush()
		_, _ = r.Body.Read(make([]byte, 1))
	}
}

// TestS12Deaths ends one of two workers in each way there is. What runs in the
// other one is answered, and so is everything from then on.
func TestS12Deaths(t *testing.T) {
	for _, how := range []string{"/map", "/stack", "/exit", "/goroutine"} {
		t.Run(how[1:], func(t *testing.T) {
			if race && how == "/map" {
				t.Skip("the race detector reports it, and goes on")
			}
			t.Parallel()
			p, get := onSocket(t, "mortal", "WORKERS=2")
			p.start()
			eventually(t, "it does not serve", func() bool { return strings.HasPrefix(get("/"), "200 ") })
			type request struct {
				*client
				answer *http.Response
			}
			held := make(map[int][]request) // by pid
			eventually(t, "not both workers hold requests", func() bool {
				c := dial(t, address(p))
				c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
				resp, err := http.ReadResponse(c.r, nil) //nolint:bodyclose // it never ends
				if err != nil {
					t.Fatal(err)
				}
				text := make([]byte, 10)
				n, _ := resp.Body.Read(text)
				pid, err := strconv.Atoi(string(text[:n]))
				if err != nil {
					t.Fatal(err)
				}
				held[pid] = append(held[pid], request{c, resp})
				return len(held) == 2
			})
			get(how)
			dead := 0
			eventually(t, "nobody has died", func() bool {
				for pid := range held {
					if syscall.Kill(pid, 0) != nil {
						dead = pid
					}
				}
				return dead != 0
			})
			for pid, requests := range held {
				for _, r := range requests {
					if pid != dead {
						r.send("x")
					}
					_, err := io.Copy(io.Discard, r.answer.Body)
					_ = r.answer.Body.Close()
					if whole := err == nil; whole != (pid != dead) {
						t.Errorf("a request in worker %d, of which %d has died, ended with %v", pid, dead, err)
					}
				}
			}
			for range 20 {
				if got := get("/"); !strings.HasPrefix(got, "200 ") {
					t.Errorf("after the death: %s", got)
				}
			}
			for _, requests := range held {
				for _, r := range requests {
					_ = r.Close()
				}
			}
			p.signal(syscall.SIGTERM)
			p.exits(0)
		})
	}
}

// address is that of a program on a socket.
func address(p *program) net.Addr {
	for _, v := range p.cmd.Env {
		if path, ok := strings.CutPrefix(v, "ADDRESS=unix:"); ok {
			return &net.UnixAddr{Name: path, Net: "unix"}
		}
	}
	return nil
}

// TestWornWorker has a worker fill its memory: it asks to be replaced, and is, by
// one that is ready before, so that nobody is refused.
func TestWornWorker(t *testing.T) {
	t.Parallel()
	p, get := onSocket(t, "leaking", "WORKERS=1", "GOMEMLIMIT=96MiB")
	p.start()
	eventually(t, "it does not serve", func() bool { return strings.HasPrefix(get("/"), "200 ") })
	first := get("/")
	if got := get("/leak"); got != first {
		t.Fatalf("leaking: %s", got)
	}
	eventually(t, "it is not replaced", func() bool {
		got := get("/vip")
		if !strings.HasPrefix(got, "200 ") {
			t.Fatalf("a critical request got %s", got)
		}
		return got != first
	})
	if text := p.stderr.String(); !strings.Contains(text, "asks to be replaced: has been short of memory") {
		t.Errorf("the log does not say why:\n%s", text)
	}
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// TestFullWorker has one of two workers take requests until it is full: new
// connections are the other's then, and its own again when it has room.
func TestFullWorker(t *testing.T) {
	t.Parallel()
	p, get := onSocket(t, "filling", "WORKERS=2")
	p.start()
	var full, other string
	eventually(t, "not two workers serve", func() bool {
		if got := get("/"); full == "" && strings.HasPrefix(got, "200 ") {
			full = got
		} else if got != full && strings.HasPrefix(got, "200 ") {
			other = got
		}
		return other != ""
	})
	pid := strings.TrimPrefix(full, "200 ")
	var holding []*client
	for range 100 { // which it takes, or leaves to the other, which answers at once
		c := dial(t, address(p))
		_ = c.SetDeadline(time.Now().Add(50 * time.Millisecond))
		c.get("/hold/" + pid)
		if _, err := c.r.ReadByte(); err != nil {
			holding = append(holding, c)
		}
	}
	if len(holding) < 2 {
		t.Fatalf("worker %s holds %d requests", pid, len(holding))
	}
	const many = 100
	count := make(map[string]int)
	for range many {
		count[get("/")]++
	}
	if count[other] < many*9/10 {
		t.Errorf("of %d connections, beside a worker that is full, came %v; want all from the other one, %s", many, count, other)
	}
	for _, c := range holding {
		_ = c.Close()
	}
	eventually(t, "the worker that has room again gets nothing", func() bool { return get("/") == full })
	p.signal(syscall.SIGTERM)
	p.exits(0)
}
