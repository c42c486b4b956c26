package support_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/support-go/support"
	"github.com/support-go/support/prefork"
)

func TestMetaAndProbe(t *testing.T) {
	group := support.New("shown")
	group.HTTP("127.0.0.1:0", handler())
	meta, probe := group.Meta("127.0.0.1:0"), group.Probe("127.0.0.1:0")
	r := start(t, group)
	servers := map[string]*support.Server{"meta": meta, "probe": probe}
	tests := map[string]struct {
		server, method, path, host string
		want                       int
	}{
		"livez":                      {"meta", "GET", "/livez", "", 200},
		"readyz":                     {"meta", "GET", "/readyz", "", 200},
		"status":                     {"meta", "GET", "/status.json", "", 200},
		"HEAD":                       {"meta", "HEAD", "/readyz", "", 200},
		"pages":                      {"meta", "GET", "/", "", 200},
		"another path":               {"meta", "GET", "/nothing", "", 404},
		"a longer path":              {"meta", "GET", "/livez/x", "", 404},
		"an action":                  {"meta", "POST", "/do/gc", "", 403},
		"POST":                       {"meta", "POST", "/readyz", "", 405},
		"DELETE of the status":       {"meta", "DELETE", "/status.json", "", 405},
		"localhost":                  {"meta", "GET", "/status.json", "localhost:8889", 200},
		"LOCALHOST":                  {"meta", "GET", "/status.json", "LOCALHOST", 200},
		"IPv6":                       {"meta", "GET", "/status.json", "[::1]:8889", 200},
		"IPv6 without a port":        {"meta", "GET", "/status.json", "[::1]", 200},
		"a foreign host":             {"meta", "GET", "/status.json", "evil.example", 421},
		"a foreign host and path":    {"meta", "GET", "/", "evil.example:8889", 421},
		"a host that looks like one": {"meta", "GET", "/livez", "127.0.0.1.evil.example", 421},
		"a foreign address":          {"meta", "GET", "/livez", "192.0.2.1", 421},
		"probe lives":                {"probe", "GET", "/livez", "", 200},
		"probe ready":                {"probe", "GET", "/readyz", "pod.example:8080", 200},
		"probe shows nothing":        {"probe", "GET", "/status.json", "", 404},
		"probe changes nothing":      {"probe", "POST", "/livez", "", 405},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), test.method, "http://"+servers[test.server].Addr().String()+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = test.host
			request.Close = true
			resp, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.want {
				t.Errorf("%s %s for host %q: got %d, want %d", test.method, test.path, test.host, resp.StatusCode, test.want)
			}
			if store := resp.Header.Get("Cache-Control"); test.want == 200 && store != "no-store" {
				t.Errorf("Cache-Control is %q, want no-store", store)
			}
		})
	}
	r.stop()
	r.endsWell()
}

// TestStatus reads the state of a group that serves in one process, with one
// request running on one of two connections.
func TestStatus(t *testing.T) {
	group := support.New("state")
	arrived, release := make(chan struct{}), make(chan struct{})
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	meta := group.Meta("127.0.0.1:0")
	r := start(t, group)
	idle, busy := dial(t, server.Addr()), dial(t, server.Addr())
	busy.get("/")
	receive(t, "request", arrived)
	code, body := fetch(t, "http://"+meta.Addr().String()+"/status.json")
	var state prefork.State
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&state); err != nil || code != http.StatusOK {
		t.Fatalf("got %d, %v:\n%s", code, err, body)
	}
	if state.Name != "state" || state.Phase != prefork.GroupServing || len(state.Processes) != 1 {
		t.Fatalf("got %+v, want a group that serves in one process", state)
	}
	if got := state.Processes[0].Counts; got.Running() != 1 || got.Open() != 2 {
		t.Errorf("got %d requests on %d connections, want 1 on 2", got.Running(), got.Open())
	}
	if got := state.Sockets[0].Actual; got != server.Addr().String() {
		t.Errorf("the socket's address is %s, want %s", got, server.Addr())
	}
	close(release)
	_, _ = busy.answer()
	_, _ = busy.Close(), idle.Close()
	r.stop()
	r.endsWell()
}

// TestSilenceIsNoStandstill has connections on which nothing happens: a
// supervisor that counts them as quiet would take their worker for stuck.
func TestSilenceIsNoStandstill(t *testing.T) {
	group := support.New("silent")
	waiting := make(chan struct{})
	stream := group.Stream("127.0.0.1:0", func(ctx context.Context, _ net.Conn) error {
		waiting <- struct{}{}
		<-support.Draining(ctx)
		return nil
	})
	server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		waiting <- struct{}{}
		<-support.Draining(r.Context())
	}))
	meta := group.Meta("127.0.0.1:0")
	r := start(t, group)
	dial(t, stream.Addr())
	dial(t, server.Addr()).get("/")
	receive(t, "stream", waiting)
	receive(t, "request", waiting)
	_, body := fetch(t, "http://"+meta.Addr().String()+"/status.json")
	var state prefork.State
	if err := json.Unmarshal([]byte(body), &state); err != nil {
		t.Fatal(err)
	}
	if got := state.Processes[0].Counts; got.Running() != 2 || got.Quiet() != 0 {
		t.Errorf("got %d running, %d of them quiet; want 2, 0", got.Running(), got.Quiet())
	}
	r.stop()
	r.endsQuietly()
}

// TestMetaOnUnixSocket takes any host, since only this machine can ask.
func TestMetaOnUnixSocket(t *testing.T) {
	group := support.New("unix")
	group.HTTP("127.0.0.1:0", handler())
	meta := group.Meta("unix:" + shortDir(t) + "/meta")
	meta.Socket.Mode = 0o600
	r := start(t, group)
	c := dial(t, meta.Addr())
	c.send("GET /livez HTTP/1.1\r\nHost: whatever\r\n\r\n")
	if resp, body := c.answer(); resp.StatusCode != http.StatusOK || body != "ok\n" {
		t.Errorf("got %d, %q", resp.StatusCode, body)
	}
	r.stop()
	r.endsQuietly() // though a connection to the page is open
}
