package support_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/admit"
	"github.com/support-go/support/offload"
	"github.com/support-go/support/stats"
)

func TestLanes(t *testing.T) {
	tests := map[string]struct {
		set     func(*support.Group)
		cpu, io int
	}{
		"default": {func(*support.Group) {}, max(1, min(runtime.GOMAXPROCS(0), admit.Cores())-1), 32},
		"set":     {func(g *support.Group) { g.CPU.Size, g.IO.Size = 3, 7 }, 3, 7},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("lanes")
			test.set(group)
			server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				g := support.From(r.Context())
				for _, p := range []*offload.Pool{&g.CPU, &g.IO} {
					size, err := offload.Do(r.Context(), p, func(context.Context) (int, error) { return p.Size, nil })
					fmt.Fprintln(w, size, err)
				}
			}))
			r := start(t, group)
			c := dial(t, server.Addr())
			c.get("/")
			if _, body := c.answer(); body != fmt.Sprintf("%d <nil>\n%d <nil>\n", test.cpu, test.io) {
				t.Errorf("the lanes have sizes\n%swant %d and %d", body, test.cpu, test.io)
			}
			_ = c.Close()
			r.stop()
			r.endsQuietly()
			if _, err := offload.Do(t.Context(), &group.CPU, func(context.Context) (int, error) { return 0, nil }); err == nil {
				t.Error("a lane is open after the end of its group")
			}
		})
	}
}

// TestJobOutlivesItsGroup leaves a job behind that heeds nothing.
func TestJobOutlivesItsGroup(t *testing.T) {
	group := support.New("left")
	group.IO.Limits.Patience = time.Millisecond
	release := make(chan struct{})
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		_, err := offload.Do(ctx, &support.From(ctx).IO, func(context.Context) (int, error) {
			cancel()
			<-release
			return 0, nil
		})
		fmt.Fprint(w, err)
	}))
	r := start(t, group)
	c := dial(t, server.Addr())
	c.get("/")
	c.answer()
	_ = c.Close()
	r.stop()
	wantError(t, r.end(), "io", "1 jobs still run", "TestJobOutlivesItsGroup")
	close(release)
}

// TestGroupsDoNotSeeEachOther runs two in one process, which are the same but
// for their names.
func TestGroupsDoNotSeeEachOther(t *testing.T) {
	type side struct {
		group  *support.Group
		server *support.Server
		run    *running
		client *client
	}
	busy, release := make(chan struct{}), make(chan struct{})
	newSide := func(name string) (s side) {
		s.group = support.New(name)
		s.group.CPU.Size = 1
		mux := http.NewServeMux()
		mux.HandleFunc("/whose", func(w http.ResponseWriter, r *http.Request) {
			g := support.From(r.Context())
			g.Stats.Counter("test.asked").Add(1)
			whose, err := offload.Do(r.Context(), &g.CPU, func(ctx context.Context) (string, error) { return support.From(ctx).Name, nil })
			fmt.Fprint(w, whose, err)
		})
		mux.HandleFunc("/hold", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = offload.Do(r.Context(), &support.From(r.Context()).CPU, func(context.Context) (int, error) {
				close(busy)
				<-release
				return 0, nil
			})
		})
		s.server = s.group.HTTP("127.0.0.1:0", mux)
		s.run = start(t, s.group)
		s.client = dial(t, s.server.Addr())
		return s
	}
	one, two := newSide("one"), newSide("two")
	one.client.get("/hold")
	<-busy // the only lane of one
	two.client.get("/whose")
	if _, body := two.client.answer(); body != "two<nil>" {
		t.Errorf("the second group answers %q, want its name, from its own lane", body)
	}
	close(release)
	one.client.answer()
	one.client.get("/whose")
	if _, body := one.client.answer(); body != "one<nil>" {
		t.Errorf("the first group answers %q, want its name", body)
	}
	for _, s := range []side{one, two} {
		if n := s.group.Stats.Counter("test.asked").Value(); n != 1 {
			t.Errorf("%s has counted %d requests, want its own one", s.group.Name, n)
		}
	}
	// The end of one is not noticed by the other.
	_ = one.client.Close()
	one.run.stop()
	one.run.endsQuietly()
	two.client.get("/whose")
	if _, body := two.client.answer(); body != "two<nil>" {
		t.Errorf("after the end of the first group the second one answers %q", body)
	}
	_ = two.client.Close()
	two.run.stop()
	two.run.endsQuietly()
}

// TestWaitingForALaneKeepsNobodyOut has more requests want the one lane than
// the gate lets in at once, and a small one beside them.
func TestWaitingForALaneKeepsNobodyOut(t *testing.T) {
	group := support.New("aside")
	group.CPU.Size, group.Admit.Running = 1, 2
	release := make(chan struct{})
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small" {
			return
		}
		_, err := offload.Do(r.Context(), &group.CPU, func(context.Context) (int, error) {
			<-release
			return 0, nil
		})
		if err != nil {
			t.Error(err)
		}
	}))
	r := start(t, group)
	var heavy []*client
	for i := range 8 {
		c := dial(t, server.Addr())
		c.get("/heavy")
		heavy = append(heavy, c)
		name, want := "offload.running", 1.0
		if i > 0 {
			name, want = "offload.waiting", float64(i)
		}
		eventually(t, "it has not come to the lane", func() bool { return sumOf(group, name) == want })
	}
	small := dial(t, server.Addr())
	small.get("/small")
	if got, _ := small.answer(); got.StatusCode != http.StatusOK {
		t.Errorf("a small request is answered %d beside those that wait", got.StatusCode)
	}
	close(release)
	for _, c := range append(heavy, small) {
		if c != small {
			c.answer()
		}
		_ = c.Close()
	}
	r.stop()
	r.endsQuietly()
}

// sumOf is the sum of a gauge over all labels.
func sumOf(g *support.Group, name string) (sum float64) {
	for _, s := range g.Stats.Snapshot().Series {
		if l, ok := s.Value.(stats.Level); ok && s.Name == name {
			sum += float64(l)
		}
	}
	return sum
}

// TestComputingOutsideOfALaneIsTold has a handler compute, and another that does
// so in a lane.
func TestComputingOutsideOfALaneIsTold(t *testing.T) {
	group := support.New("spin")
	stop := make(chan struct{})
	outside := func(context.Context) (n int, err error) {
		for {
			select {
			case <-stop:
				return n, nil
			default:
				n++
			}
		}
	}
	inside := func(ctx context.Context) (int, error) { return outside(ctx) }
	mux := http.NewServeMux()
	mux.HandleFunc("/in", func(_ http.ResponseWriter, r *http.Request) { _, _ = offload.Do(r.Context(), &group.CPU, inside) })
	mux.HandleFunc("/out", func(_ http.ResponseWriter, r *http.Request) { _, _ = outside(r.Context()) })
	server := group.HTTP("127.0.0.1:0", mux)
	r := start(t, group)
	in, out := dial(t, server.Addr()), dial(t, server.Addr())
	in.get("/in")
	eventually(t, "nothing runs in the lane", func() bool { return sumOf(group, "offload.running") == 1 })
	out.get("/out")
	r.logs.has(t, "request computes outside of a lane", "route=\"GET /out\"", "lanes_test.go:")
	close(stop)
	for _, c := range []*client{in, out} {
		c.answer()
		_ = c.Close()
	}
	r.stop()
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if strings.Contains(r.logs.String(), "route=\"GET /in\"") {
		t.Errorf("what computes in a lane is told:\n%s", r.logs.String())
	}
}
