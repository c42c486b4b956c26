package scenario_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/internal/scenario"
	"github.com/support-go/support/internal/strict"
)

// serverVariable makes the test binary serve on the unix socket that it names.
const serverVariable = "SCENARIO_TEST_SERVER"

func TestMain(m *testing.M) {
	if path := os.Getenv(serverVariable); path != "" {
		os.Exit(serve(path))
	}
	os.Exit(m.Run())
}

// serve echoes until SIGTERM. SIGHUP counts as a reload, which costs nothing
// here, and shows at /status.
func serve(path string) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	var reloads atomic.Int64
	mux := http.NewServeMux()
	mux.Handle("/", &strict.Echo{})
	mux.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"phase": "serving", "reloads": reloads.Load()})
	})
	ln, err := net.Listen("unix", path)
	if err != nil {
		return 1
	}
	go func() { _ = http.Serve(ln, mux) }()
	for sig := range signals {
		if sig == syscall.SIGTERM {
			break
		}
		reloads.Add(1)
	}
	return 0
}

// server returns the command of a server and the socket that it will serve on.
func server(t *testing.T) (cmd *exec.Cmd, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "s")
	cmd = exec.Command(self)
	// A program under the race detector waits a second before it exits.
	cmd.Env = append(os.Environ(), serverVariable+"="+path, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd, path
}

// deadline bounds a test that has gone wrong.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestReload(t *testing.T) {
	const reloads = 5
	cmd, path := server(t)
	target := strict.Target{Network: "unix", Addr: path}
	proxy := statusProxy(t, path)
	report, err := scenario.Scenario{
		Command: cmd,
		Trial:   &strict.Trial{Loads: []strict.Load{{Target: target}, {Target: target, Mode: strict.Kept}}},
		Name:    "reload",
		Times:   reloads,
		Act:     scenario.Signal(syscall.SIGHUP, scenario.Status{URL: proxy, Grows: "reloads", Want: map[string]string{"phase": "serving"}}.Settled()),
	}.Run(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{report.L0Strict(), report.Closed(), report.AtLeast(500)} {
		if err != nil {
			t.Error(err)
		}
	}
	if got := len(report.Marks); got != 2*reloads {
		t.Errorf("%d marks, want %d: %v", got, 2*reloads, report.Marks)
	}
}

// statusProxy gives the status of a server on a unix socket a URL.
func statusProxy(t *testing.T, path string) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	srv := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "server"}) },
	})
	t.Cleanup(srv.Close)
	return srv.URL + "/status"
}

// TestTrouble wants an error that names what kept a scenario from its end.
func TestTrouble(t *testing.T) {
	failing := errors.New("no such luck")
	tests := map[string]struct {
		script string // of a shell that may start the server as "$0"
		act    scenario.Act
		stop   time.Duration
		want   string
	}{
		"exits at once":          {`exit 3`, nil, 0, "the program has exited"},
		"exit code":              {`exit 3`, nil, 0, "exit status 3"},
		"act fails":              {`exec "$0"`, func(context.Context, *scenario.Tree, int) error { return failing }, 0, "act 1 of 1: no such luck"},
		"leaves one behind":      {`sleep 1000 & exec "$0"`, nothing, 0, "left processes behind: "},
		"which left its session": {`setsid sleep 1000 & exec "$0"`, nothing, 0, "(sleep 1000)"},
		"does not stop":          {`trap "" TERM; "$0" & while :; do wait; done`, nothing, 100 * time.Millisecond, "does not stop"},
		"act kills the program":  {`exec "$0"`, scenario.Signal(syscall.SIGKILL, nil), 0, "after the last act: the program has exited"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cmd, path := server(t)
			cmd.Args = []string{"sh", "-c", test.script, cmd.Path}
			cmd.Path = "/bin/sh"
			var tree *scenario.Tree
			report, err := scenario.Scenario{
				Command: cmd,
				Trial:   &strict.Trial{Loads: []strict.Load{{Target: strict.Target{Network: "unix", Addr: path}, Limits: strict.Limits{Requests: 100000}}}},
				Act: func(ctx context.Context, of *scenario.Tree, n int) error {
					tree = of
					return test.act(ctx, of, n)
				},
				Stop: test.stop,
			}.Run(deadline(t))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q in it", err, test.want)
			}
			if test.act != nil && report == nil {
				t.Error("got no report")
			}
			if tree != nil && tree.Members() != nil {
				t.Errorf("%v are alive after the scenario", tree.Members())
			}
		})
	}
}

func nothing(context.Context, *scenario.Tree, int) error { return nil }

func TestMembers(t *testing.T) {
	tree, err := scenario.Start(exec.Command("sh", "-c", "setsid sleep 1000 & sleep 1000 & wait"))
	if err != nil {
		t.Fatal(err)
	}
	err = scenario.Await(deadline(t), tree, func(context.Context) error {
		if len(tree.Members()) < 3 {
			return errors.New("the tree has not grown")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if !slices.Contains(tree.Members(), tree.Pid()) {
		t.Errorf("root %d is not among %v", tree.Pid(), tree.Members())
	}
	if err := tree.End(deadline(t)); err == nil || !strings.Contains(err.Error(), "sleep 1000") {
		t.Errorf("End returned %v, want the names of two processes", err)
	}
	if got := tree.Members(); got != nil {
		t.Errorf("%v are alive after End", got)
	}
}

func TestStartFails(t *testing.T) {
	if _, err := scenario.Start(exec.Command("/nonexistent")); err == nil {
		t.Error("a program that is not there was started")
	}
	cmd := exec.Command("true")
	cmd.Stdout = new(strings.Builder)
	if _, err := scenario.Start(cmd); err == nil || !strings.Contains(err.Error(), "must go to files") {
		t.Errorf("got %v for output into memory", err)
	}
}
