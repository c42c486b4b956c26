package support_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/support-go/support"
)

// programVariable names, in the environment of this test program, what it is
// to do instead of running the tests.
const programVariable = "SUPPORT_TEST_PROGRAM"

// TestMain looks for what the tests have left running.
func TestMain(m *testing.M) {
	if name := os.Getenv(programVariable); name != "" {
		runProgram(name)
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, "left running by the tests:", err)
		code = 1
	}
	os.Exit(code)
}

// patience is how long anything that must happen may take, however slow the
// machine.
const patience = 20 * time.Second

// running is a group whose end the test decides.
type running struct {
	t     *testing.T
	group *support.Group
	logs  *logs
	stop  context.CancelFunc
	ended chan error
}

// start runs the group and returns when it is ready. It takes the group's Log.
func start(t *testing.T, group *support.Group) *running {
	t.Helper()
	r := &running{t: t, group: group, logs: new(logs), ended: make(chan error, 1)}
	group.Log = slog.New(slog.NewTextHandler(r.logs, nil))
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.ended <- group.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		group.Kill()
	})
	select {
	case <-group.Ready():
	case err := <-r.ended:
		t.Fatalf("group did not start: %v", err)
	case <-time.After(patience):
		t.Fatal("group is not ready")
	}
	return r
}

// end waits for the end of Run.
func (r *running) end() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		r.t.Fatal("Run has not returned")
		return nil
	}
}

// endsWell wants Run to return without an error.
func (r *running) endsWell() {
	r.t.Helper()
	if err := r.end(); err != nil {
		r.t.Errorf("Run: got %v, want nil", err)
	}
}

// endsQuietly wants nothing to be worth a warning, besides.
func (r *running) endsQuietly() {
	r.t.Helper()
	r.endsWell()
	if log := r.logs.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		r.t.Errorf("trouble in the log:\n%s", log)
	}
}

// logs collects what is logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// has wants a line that contains all of parts, and waits for it.
func (l *logs) has(t *testing.T, parts ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("no line with %q in the log", parts), func() bool {
		for line := range strings.Lines(l.String()) {
			missing := 0
			for _, part := range parts {
				if !strings.Contains(line, part) {
					missing++
				}
			}
			if missing == 0 {
				return true
			}
		}
		return false
	})
}

// eventually waits for a condition, and fails with what is wrong without it.
func eventually(t *testing.T, wrong string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatal(wrong)
		}
	}
}

// receive waits for a value.
func receive[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

// client is one connection of a client that never retries.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func dial(t *testing.T, addr net.Addr) *client {
	t.Helper()
	conn, err := net.DialTimeout(addr.Network(), addr.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, conn)
}

func newClient(t *testing.T, conn net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{Conn: conn, t: t, r: bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// get asks for a path over HTTP/1.1, without waiting for the answer.
func (c *client) get(path string) {
	c.t.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
}

// reply is what the tests want to know of an answer besides its body.
type reply struct {
	StatusCode int
	Close      bool // with "Connection: close"
}

// answer reads an answer whole.
func (c *client) answer() (r reply, body string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("answer cut: %v", err)
	}
	return reply{resp.StatusCode, resp.Close}, string(text)
}

// says wants some text to come.
func (c *client) says(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		c.t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// closes wants the connection to be closed by the server, with nothing more
// on it.
func (c *client) closes() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err == nil {
		c.t.Fatalf("got %q, want the connection to be closed", b)
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the connection stays open")
	}
}

// wantError wants an error that says all of parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("got no error, want one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got error\n%v\nwant %q in it", err, part)
		}
	}
}

// fetch gets a URL with a client that keeps no connection.
func fetch(t *testing.T, url string) (code int, body string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
