package support_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/pressure"
)

// gets wants an answer with a body.
func (c *client) gets(want string) {
	c.t.Helper()
	if r, body := c.answer(); r.StatusCode != http.StatusOK || body != want {
		c.t.Errorf("got %d %q, want 200 %q", r.StatusCode, body, want)
	}
}

// holding is a handler that says when it has been called, and waits.
type holding struct {
	called  chan struct{}
	release chan struct{}
}

func newHolding() *holding {
	return &holding{make(chan struct{}, 1000), make(chan struct{})}
}

func (h *holding) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h.called <- struct{}{}
	<-h.release
	fmt.Fprint(w, "ok")
}

// TestGroupSheds fills a group that runs one request at a time.
func TestGroupSheds(t *testing.T) {
	group := support.New("sheds")
	group.Admit = admit.Limits{Running: 1, MaxWait: never, Standing: never, Burst: never}
	h := newHolding()
	server := group.HTTP("127.0.0.1:0", h)
	server.Overload.Class = admit.Prefixes{"/vip": admit.Critical}.Class
	r := start(t, group)
	first := dial(t, server.Addr())
	first.get("/")
	receive(t, "call", h.called)
	kept := dial(t, server.Addr()) // lets itself be refused over the same connection again and again
	var waiting []*client
	for group.Gate().State().Waiting < 16 { // room before any service time is known
		c := dial(t, server.Addr())
		c.get("/")
		waiting = append(waiting, c)
		eventually(t, "it does not wait", func() bool { return group.Gate().State().Waiting == len(waiting) })
	}
	for range 3 {
		kept.get("/")
		if r, body := kept.answer(); r.StatusCode != 503 || body == "" || r.Close {
			t.Fatalf("got %v %q; want 503, and the connection kept", r.StatusCode, body)
		}
	}
	fresh := dial(t, server.Addr()) // is refused at the door
	fresh.get("/")
	if r, _ := fresh.answer(); r.StatusCode != 503 || !r.Close {
		t.Fatalf("a new connection: got %v, closes %t; want 503, closed", r.StatusCode, r.Close)
	}
	vip := dial(t, server.Addr()) // has room of its own, and is served before the others
	vip.get("/vip")
	eventually(t, "the critical one does not wait", func() bool { return group.Gate().State().Waiting == 17 })
	close(h.release)
	for _, c := range append(waiting, first, vip) {
		c.gets("ok")
	}
	if n := group.Stats.Counter("admit.shed", "reason", "full", "class", "default").Value(); n != 3 {
		t.Errorf("counted %d requests as shed, want 3", n)
	}
	if n := group.Stats.Counter("accept.refused", "reason", "busy").Value(); n != 1 {
		t.Errorf("counted %d connections as refused, want 1", n)
	}
	if d := group.Gate().Decisions(); len(d) != 3 || d[0].Name != "GET /" || d[0].Waiting != 16 || d[0].Running != 1 {
		t.Errorf("recorded %+v", d)
	}
	r.stop()
	r.endsWell()
}

// TestOverloadOff serves everything.
func TestOverloadOff(t *testing.T) {
	group := support.New("off")
	group.Admit = admit.Limits{Running: 1}
	h := newHolding()
	server := group.HTTP("127.0.0.1:0", h)
	server.Overload.Off = true
	r := start(t, group)
	var clients []*client
	for range 50 {
		c := dial(t, server.Addr())
		c.get("/")
		clients = append(clients, c)
	}
	for range clients {
		receive(t, "call", h.called)
	}
	close(h.release)
	for _, c := range clients {
		c.gets("ok")
	}
	r.stop()
	r.endsWell()
}

// TestOverloadBreaksNobody has many more requests wait for something than there
// are cores, all at once, after a time of nothing, under the defaults.
func TestOverloadBreaksNobody(t *testing.T) {
	group := support.New("waits")
	h := newHolding()
	server := group.HTTP("127.0.0.1:0", h)
	r := start(t, group)
	const many = 100
	var done sync.WaitGroup
	var refused atomic.Int64
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: many}}
	for range many {
		done.Go(func() {
			resp, err := client.Get("http://" + server.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != http.StatusOK {
				refused.Add(1)
			}
		})
	}
	called := 0
	for called < many-int(refused.Load()) {
		select {
		case <-h.called:
			called++
		case <-time.After(time.Second): // the others have been refused
		}
	}
	close(h.release)
	done.Wait()
	const stray = many / 20 // when other programs have the cores, who waits for one looks like who computes
	if n := refused.Load(); n > stray {
		t.Errorf("%d of %d were refused, though all of them only waited: %+v", n, many, group.Gate().State())
	}
	client.CloseIdleConnections()
	r.stop()
	r.endsWell()
}

// TestPressure has a group that believes to be short of memory.
func TestPressure(t *testing.T) {
	group := support.New("short")
	group.Pressure = pressure.Watch{Every: time.Millisecond, Files: pressure.Marks{Dire: 1e-9}}
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
	server.Overload.Class = admit.Prefixes{"/vip": admit.Critical}.Class
	r := start(t, group)
	eventually(t, "nothing is done", func() bool { return group.Gate().State().Lowest == admit.Critical })
	c := dial(t, server.Addr())
	c.get("/")
	if r, _ := c.answer(); r.StatusCode != 503 {
		t.Errorf("got %d, want 503", r.StatusCode)
	}
	vip := dial(t, server.Addr())
	vip.get("/vip")
	vip.gets("ok")
	if n := group.Stats.Gauge("pressure.level").Value(); n != 3 {
		t.Errorf("the level is %v, want 3", n)
	}
	r.stop()
	_ = r.end()
	r.logs.has(t, "pressure", "cause=files")
}

// TestPressureLevels has each level do what it is for, by a real count of files.
func TestPressureLevels(t *testing.T) {
	const reached, never = 1e-9, -1
	tests := map[string]struct {
		marks                        pressure.Marks
		sheddable, ordinary, special int
		idle                         bool // closed
	}{
		"calm":  {pressure.Marks{Tight: never, Short: never, Dire: never}, 200, 200, 200, false},
		"tight": {pressure.Marks{Tight: reached, Short: never, Dire: never}, 200, 200, 200, true},
		"short": {pressure.Marks{Tight: reached, Short: reached, Dire: never}, 503, 200, 200, true},
		"dire":  {pressure.Marks{Tight: reached, Short: reached, Dire: reached}, 503, 503, 200, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("levels")
			group.Pressure = pressure.Watch{Every: 5 * time.Millisecond, Files: test.marks}
			off := pressure.Marks{Tight: never, Short: never, Dire: never}
			group.Pressure.Memory, group.Pressure.GC, group.Pressure.Delay = off, off, off
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(ok))
			server.Overload.Class = admit.Prefixes{"/vip": admit.Critical, "/extra": admit.Sheddable}.Class
			r := start(t, group)
			eventually(t, "another level", func() bool {
				return group.Stats.Gauge("pressure.files_ratio").Value() > 0 && (name == "calm" || group.Stats.Gauge("pressure.level").Value() > 0)
			})
			for path, want := range map[string]int{"/extra": test.sheddable, "/": test.ordinary, "/vip": test.special} {
				if got, _ := fetch(t, "http://"+server.Addr().String()+path); got != want {
					t.Errorf("%s: got %d, want %d", path, got, want)
				}
			}
			if test.idle {
				kept := dial(t, server.Addr())
				kept.get("/vip")
				kept.gets("ok")
				kept.closes()
			}
			shed := group.Stats.Counter("admit.shed", "reason", "pressure", "class", "sheddable").Value()
			shed += group.Stats.Counter("accept.refused", "reason", "busy").Value()
			if (shed > 0) != (test.sheddable == 503) {
				t.Errorf("counted %d as shed", shed)
			}
			group.Kill()
			_ = r.end()
		})
	}
}

// TestAdmittedIsNeverShed has requests run while everything gets short.
func TestAdmittedIsNeverShed(t *testing.T) {
	group := support.New("admitted")
	group.Admit = admit.Limits{Running: 10}
	h := newHolding()
	server := group.HTTP("127.0.0.1:0", h)
	r := start(t, group)
	var clients []*client
	for range 10 {
		c := dial(t, server.Addr())
		c.get("/")
		clients = append(clients, c)
		receive(t, "call", h.called)
	}
	group.Gate().Favour(admit.Critical) // as the pressure does that comes now
	for range 100 {
		if got, _ := fetch(t, "http://"+server.Addr().String()); got != 503 {
			t.Fatalf("got %d, want 503", got)
		}
	}
	if n := group.Gate().State().Running; n != 10 {
		t.Errorf("%d run, want 10", n)
	}
	r.stop() // which does not shed them either
	close(h.release)
	for _, c := range clients {
		c.gets("ok")
		_ = c.Close()
	}
	r.endsWell()
}
