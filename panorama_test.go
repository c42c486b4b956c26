//go:build unix

package support_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// oddService wants to be something else in every address.
const oddService = `a/b?c=<d>&e%2f`

// death is the file that has one worker of a supervisor kill itself.
func death(supervisor int) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("support-test-death.%d", supervisor))
}

// shown is a group with workers, a page of its own, and requests that wait.
func shown(workers int) (group *support.Group, server, page *support.Server) {
	group = support.New("shown")
	group.Workers = workers
	group.Stats.Counter("naughty", "name", `"><img src=x onerror=alert(1)><script>alert(2)</script>`).Add(1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, os.Getpid()) })
	mux.HandleFunc("GET /wait", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server = group.HTTP("127.0.0.1:0", mux)
	_ = group.Upstream.Add(oddService, upstream.Service{Tiers: []upstream.Tier{upstream.At("127.0.0.1:1")}}) // fails only for a name that is taken
	group.Page("pids", "Pids", func(context.Context) (any, error) {
		return []data.Field{
			{Name: "processes", Merge: data.Sum, Cell: data.Cell{Value: 1}},
			{Name: "pid", Merge: data.List, Cell: data.Cell{Value: fmt.Sprint(os.Getpid())}},
		}, nil
	})
	group.Page("deadly", "Deadly", func(context.Context) (any, error) {
		if os.Remove(death(os.Getppid())) == nil { // which one process can
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it fails for others only
			select {}
		}
		return "well", nil
	})
	return group, server, group.Meta("127.0.0.1:0")
}

func TestPagesOfTheWholeGroup(t *testing.T) {
	group, server, page := shown(2)
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	eventually(t, "a page of the program is not of two processes", func() bool {
		got := get(t, base+"/pids.json")
		return strings.Contains(got, `"value": 2`) && strings.Count(got, `"took_seconds"`) == 3
	})
	if got := get(t, base+"/pids.json?worker=w2"); !strings.Contains(got, `"value": 1`) {
		t.Errorf("of one worker: %s", got)
	}
	for _, path := range []string{"", "requests", "inflight", "servers", "upstreams", "connections", "files", "stats", "talkers", "goroutines", "memory", "runtime", "config", "actions", "api", "pids?side=1", "overview.json", "metrics", "status.json"} {
		get(t, base+"/"+path) // fails the test unless it is 200
	}
	get(t, "http://"+server.Addr().String()+"/")
	eventually(t, "the request is not on the page", func() bool {
		return strings.Contains(get(t, base+"/requests.json"), "GET /{$}")
	})
	overview := get(t, base+"/overview.json")
	for _, want := range []string{`"w1"`, `"w2"`, `"supervisor"`, "The group started"} {
		if !strings.Contains(overview, want) {
			t.Errorf("the overview has no %s: %s", want, overview)
		}
	}
}

func TestServersOfTheWholeGroup(t *testing.T) {
	group, server, page := shown(2)
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	get(t, "http://"+server.Addr().String()+"/")
	eventually(t, "the page does not show the listener and the connection", func() bool {
		got := get(t, base+"/servers.json")
		return strings.Contains(got, server.Addr().String()) && strings.Contains(got, "HTTP/1.1, HTTP/2") && strings.Count(got, `"took_seconds"`) == 3
	})
}

// TestDatagramsAreShown finds a socket for datagrams, that all workers share, among the servers
// and among the descriptors.
func TestDatagramsAreShown(t *testing.T) {
	for _, workers := range []int{0, 2} {
		group, _, page := shown(workers)
		echo := group.Packet("127.0.0.1:0", func(_ context.Context, p *support.Packet) error { return p.Reply(p.Data) })
		supporttest.Start(t, group)
		base := "http://" + page.Addr().String()
		eventually(t, "the page does not show the socket", func() bool {
			got := get(t, base+"/servers.json")
			return strings.Contains(got, echo.Addr().String()) && strings.Contains(got, `"datagrams"`)
		})
		if got := get(t, base+"/files.json?q=udp"); !strings.Contains(got, "server udp:127.0.0.1:0") {
			t.Errorf("with %d workers, whose descriptor it is does not stand in %s", workers, got)
		}
	}
}

func TestConfigOfTheGroup(t *testing.T) {
	group, server, page := shown(1)
	group.Admit.Running = 77
	server.Overload.Accept.MaxWait = 3 * time.Second
	supporttest.Start(t, group)
	type setting struct{ name, value, from string }
	found := make(map[setting]bool)
	var view data.View
	if err := json.Unmarshal([]byte(get(t, "http://"+page.Addr().String()+"/config.json")), &view); err != nil {
		t.Fatal(err)
	}
	for _, b := range view.Blocks {
		for _, r := range b.Table.Rows {
			found[setting{r.Cells[0].String(), strings.ReplaceAll(r.Cells[1].String(), "\u202f", " "), r.Cells[2].String()}] = true
		}
	}
	for _, want := range []setting{
		{"Admit.Running", "77", "set"}, {"Admit.Standing", "100 ms", "default"}, {"IO.Limits.Wait", "10.0 s", "default"}, {"Overload.Accept.MaxWait", "3.00 s", "set"}, {"Overload.Accept.Active", "off", "default"},
		{"Pressure.Memory.Dire", "0.95", "default"}, {"Limits.Cycling.GC", "0.5", "default"}, {"Limits.Stuck", "1 min", "default"}, {"IO.Size", "32", "default"}, {"HTTP.Streams", "100", "default"},
	} {
		if !found[want] {
			t.Errorf("no %+v in %+v", want, found)
		}
	}
}

func TestServicesOfTheWholeGroup(t *testing.T) {
	group, _, page := shown(2)
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	eventually(t, "the page of a service is not that of both workers", func() bool {
		got := get(t, base+"/upstreams/"+url.PathEscape(oddService)+".json")
		return strings.Contains(got, "127.0.0.1:1") && strings.Count(got, `"took_seconds"`) == 3
	})
	if got := get(t, base+"/upstreams.json"); !strings.Contains(strings.ReplaceAll(got, `\u0026`, "&"), "upstreams/"+url.PathEscape(oddService)) {
		t.Errorf("no link to the service: %s", got)
	}
}

// TestWhoHoldsWhat finds a request by its connection, and by its descriptor.
func TestWhoHoldsWhat(t *testing.T) {
	group, server, page := shown(2)
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	ctx, leave := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server.Addr().String()+"/wait", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
			t.Error("a request that waits for ever has ended")
		}
	}()
	eventually(t, "the request is not with its connection", func() bool {
		got := get(t, base+"/connections.json?server="+url.QueryEscape(server.Addr().String()))
		return strings.Contains(get(t, base+"/connections.json"), "GET /wait") && !strings.Contains(got, "GET /wait")
	})
	if runtime.GOOS == "linux" {
		eventually(t, "the request is not with its descriptor", func() bool {
			r, err := http.Get(base + "/files.json?q=wait")
			if err != nil {
				return false
			}
			defer r.Body.Close()
			got, err := io.ReadAll(r.Body)
			return err == nil && r.StatusCode == http.StatusOK && strings.Contains(string(got), "GET /wait") // else somebody looks
		})
	}
	leave()
	<-over
}

// TestKilledWhileAsked kills a worker by a page of its own.
func TestKilledWhileAsked(t *testing.T) {
	group, _, page := shown(2)
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	eventually(t, "not both workers answer", func() bool { return strings.Count(get(t, base+"/deadly.json"), `"took_seconds"`) == 3 })
	if err := os.WriteFile(death(os.Getpid()), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(death(os.Getpid())) }) // a worker has done so
	got := get(t, base+"/deadly.json")
	for _, want := range []string{"1 of 2", "no answer", `"last_answer"`, `"stale": true`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s while a worker is killed: %s", want, got)
		}
	}
	for _, path := range []string{"", "servers", "upstreams", "connections"} {
		get(t, base+"/"+path) // fails the test unless it is 200
	}
	eventually(t, "the worker is not replaced", func() bool {
		got := get(t, base+"/deadly.json")
		return strings.Count(got, `"took_seconds"`) == 3 && !strings.Contains(got, "stale")
	})
}

func TestOperatorsAct(t *testing.T) {
	group, server, page := shown(2)
	supporttest.Start(t, group)
	base := "http://" + page.Addr().String()
	token, err := os.ReadFile(filepath.Join(group.Dir, "operator.token"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(group.Dir, "operator.token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v; want mode 0600", info.Mode(), err)
	}
	do := func(action, token string, form url.Values) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/do/"+action, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said := make([]byte, 4096)
		n, _ := resp.Body.Read(said)
		return resp.StatusCode, string(said[:n])
	}
	if code, said := do("gc", "", url.Values{"worker": {"all"}}); code != http.StatusForbidden {
		t.Errorf("a viewer: %d %s, want 403", code, said)
	}
	eventually(t, "not both workers collect garbage", func() bool {
		code, said := do("gc", string(token), url.Values{"worker": {"all"}})
		return code == http.StatusOK && strings.Contains(said, "w1: heap") && strings.Contains(said, "w2: heap")
	})
	if code, said := do("gc", string(token), url.Values{"worker": {"w9"}}); code != http.StatusBadRequest {
		t.Errorf("a worker that there is not: %d %s, want 400", code, said)
	}
	cancelled := make(chan struct{})
	go func() {
		defer close(cancelled)
		resp, err := http.Get("http://" + server.Addr().String() + "/wait")
		if err == nil {
			_ = resp.Body.Close()
		}
	}()
	id := ""
	eventually(t, "the request is not seen in flight", func() bool {
		_, rest, found := strings.Cut(get(t, base+"/inflight.json"), `"?open=`)
		id, _, _ = strings.Cut(rest, `"`)
		return found
	})
	if code, said := do("cancel", string(token), url.Values{"id": {id}}); !strings.Contains(said, "cancelled "+id) {
		t.Errorf("cancel: %d %s", code, said)
	}
	<-cancelled
	if code, said := do("reload", string(token), nil); code != http.StatusOK || !strings.Contains(said, "reload") {
		t.Errorf("reload: %d %s", code, said)
	}
	eventually(t, "the overview does not tell of the reload", func() bool {
		return strings.Contains(get(t, base+"/overview.json"), "Reloaded")
	})
}

// TestM12MetaForOthers is a table of configurations.
func TestM12MetaForOthers(t *testing.T) {
	some := meta.Access{Tokens: []meta.Token{{Name: "a", Role: meta.Viewer}}}
	tests := map[string]struct {
		listen string
		tls    bool
		access meta.Access
		want   string // in the error
	}{
		"nothing":           {"0.0.0.0:0", false, meta.Access{}, "want a loopback address"},
		"no host":           {":0", false, some, "want a loopback address"},
		"no token":          {"0.0.0.0:0", true, meta.Access{}, "nobody may see meta"},
		"anybody":           {"0.0.0.0:0", true, meta.Access{Anybody: meta.Viewer}, "would let in"},
		"tokens, anybody":   {"0.0.0.0:0", true, meta.Access{Anybody: meta.Viewer, Tokens: some.Tokens}, "would let in"},
		"no encryption":     {"192.0.2.1:1", false, some, "TLS"},
		"tokens and TLS":    {"0.0.0.0:0", true, some, ""},
		"loopback":          {"127.0.0.1:0", false, meta.Access{}, ""},
		"version 6":         {"[::1]:0", false, meta.Access{}, ""},
		"a name like local": {"localhost6:0", false, meta.Access{}, "want a loopback address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			group := support.New("others")
			group.HTTP("127.0.0.1:0", handler())
			server := group.Meta(test.listen)
			server.Access = test.access
			if test.tls {
				server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }} //nolint:nilnil // never asked
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := group.Run(ctx)
			if got := fmt.Sprint(err); test.want != "" && !strings.Contains(got, test.want) || test.want == "" && strings.Contains(got, "meta") {
				t.Errorf("%s: %v, want %q", test.listen, err, test.want)
			}
		})
	}
}
