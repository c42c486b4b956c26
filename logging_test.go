//go:build unix

package support_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support"
	lines "github.com/support-go/support/logs"
)

// logging is a program that logs, on a unix socket.
func logging(t *testing.T, env ...string) (p *program, get func(path string) string) {
	t.Helper()
	return onSocket(t, "logging", env...)
}

// onSocket is a program that serves on a unix socket.
func onSocket(t *testing.T, name string, env ...string) (p *program, get func(path string) string) {
	t.Helper()
	addr := &net.UnixAddr{Name: shortDir(t) + "/s", Net: "unix"}
	p = newProgram(t, name, append(env, "RUNTIME_DIRECTORY="+shortDir(t), "ADDRESS=unix:"+addr.Name))
	get = func(path string) string {
		client := http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, addr.Net, addr.Name)
			},
		}}
		answer, err := client.Get("http://socket" + path)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body) // what there is of it
		return fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(string(body)))
	}
	return p, get
}

// TestMainLogs wants all that is logged and printed as records, from a program
// with and without workers, as text and as JSON.
func TestMainLogs(t *testing.T) {
	tests := map[string]struct {
		env     []string
		records []string // parts of lines
	}{
		"alone": {[]string{"WORKERS=0"}, []string{
			"INFO  by default\n", "INFO  answer  ", " outcome=success ", "INFO  GET  ", " status=200 ", " request=", "ERROR handler panicked ", " status=500 ",
		}},
		"with workers": {[]string{"WORKERS=1"}, []string{
			`INFO  "printed\x1b[2J"  `, "WARN  complained  ", "INFO  by default ", "INFO  answer  ", " outcome=success ", " status=200 ", "ERROR handler panicked ", " worker=1\n",
		}},
		"JSON": {[]string{"WORKERS=1", "JSON=1"}, []string{
			`"msg":"printed\u001b[2J"`, `"level":"WARN","msg":"complained"`, `"msg":"answer","worker":1,"outcome":"success"`, `"status":200`, `"worker":1}`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, get := logging(t, test.env...)
			p.start()
			eventually(t, "it does not answer", func() bool { return get("/") == "200 ok" })
			if got := get("/panic"); got != "500 Internal Server Error" {
				t.Errorf("a handler that panics answers %q", got)
			}
			p.signal(syscall.SIGTERM)
			p.exits(0)
			text := p.stderr.String()
			for _, part := range test.records {
				if !strings.Contains(text, part) {
					t.Errorf("there is no %q in\n%s", part, text)
				}
			}
			for line := range strings.Lines(text) {
				if _, err := lines.Parse(line); name == "with workers" && err != nil {
					t.Errorf("%v: %s", err, line)
				}
				if strings.Contains(line, "INFO  answer  ") && !strings.Contains(line, " request=") {
					t.Errorf("an action does not say in which request it was: %s", line)
				}
				if name == "JSON" && !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %s", line)
				}
			}
		})
	}
}

// TestLogFile has a supervisor write a file, a crash in it, and a worker go on
// writing when the supervisor has died.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	p, get := logging(t, "WORKERS=1", "LOG="+path)
	stderr, err := os.Create(path + ".stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	p.cmd.Stdout, p.cmd.Stderr = stderr, stderr // which orphans do not hold up
	p.start()
	eventually(t, "it does not answer", func() bool { return get("/") == "200 ok" })
	said := func(part string, times int) {
		t.Helper()
		eventually(t, "no "+part, func() bool {
			text, _ := os.ReadFile(path)
			return strings.Count(string(text), part) >= times
		})
	}
	said("INFO  by default ", 1)
	get("/crash")
	said("ERROR panic: oh ", 1)
	said(" [running]  ", 1)
	said("ERROR process died ", 1)
	eventually(t, "it does not answer again", func() bool { return get("/") == "200 ok" })
	p.signal(syscall.SIGKILL)
	_ = p.cmd.Wait() // it was killed
	said("the supervisor has died", 1)
	for i := range 3 {
		if got := get("/"); got != "200 ok" {
			t.Fatalf("request %d of the orphan: %s", i, got)
		}
	}
	said("INFO  by default ", 5)
	if text, err := os.ReadFile(stderr.Name()); err != nil || strings.Contains(string(text), "by default") {
		t.Errorf("on standard error there is %s, %v", text, err)
	}
	again := newProgram(t, "logging", nil)
	again.cmd.Env = p.cmd.Env
	again.start()
	said("took over the sockets", 1)
	again.signal(syscall.SIGTERM)
	again.exits(0)
}

// TestLogPage has an operator look at the log of two workers, and change its
// level.
func TestLogPage(t *testing.T) {
	dir := shortDir(t)
	seen := "unix:" + dir + "/page"
	p, get := logging(t, "WORKERS=2", "DIR="+dir, "PAGE="+seen)
	p.start()
	page := http.Client{Timeout: patience, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", dir+"/page")
	}}}
	ask := func(method, path string, form url.Values) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/"+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		token, _ := os.ReadFile(filepath.Join(dir, "operator.token")) // is there when the page is
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := page.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body) // what there is of it
		return answer.StatusCode, string(body)
	}
	on := func(part string) func() bool {
		return func() bool {
			get("/")
			_, body := ask("GET", "log.json", nil)
			return strings.Contains(body, part)
		}
	}
	eventually(t, "what was said is not on the page", on(`"INFO by default"`))
	if _, body := ask("GET", "log.json", nil); strings.Contains(body, "in depth") {
		t.Errorf("there are records for debugging: %s", body)
	}
	for problem, form := range map[string]url.Values{
		"minutes is": {"worker": {"all"}, "level": {"DEBUG"}, "minutes": {"-1"}},
		"not both":   {"worker": {"all"}, "level": {"DEBUG"}, "minutes": {"1"}, "key": {"k"}, "package": {"p"}},
		"level is":   {"worker": {"all"}, "level": {"LOUD"}, "minutes": {"1"}},
	} {
		if _, said := ask("POST", "do/log-level", form); !strings.Contains(said, problem) {
			t.Errorf("%v: %s, want %q", form, said, problem)
		}
	}
	eventually(t, "no key is set in both workers", func() bool {
		_, said := ask("POST", "do/log-level", url.Values{"worker": {"all"}, "level": {"DEBUG"}, "minutes": {"1"}, "key": {"k7"}})
		return strings.Contains(said, "w1: requests with the key from DEBUG") && strings.Contains(said, "w2: ") && !strings.Contains(said, "k7")
	})
	eventually(t, "the level is not changed in both workers", func() bool {
		_, said := ask("POST", "do/log-level", url.Values{"worker": {"all"}, "level": {"DEBUG"}, "minutes": {"1"}})
		return strings.Contains(said, "w1: from DEBUG") && strings.Contains(said, "w2: from DEBUG") && strings.Contains(said, "group: from DEBUG")
	})
	const supervising = "github.com/support-go/support/prefork"
	if _, said := ask("POST", "do/log-level", url.Values{"package": {supervising}, "level": {"ERROR"}, "minutes": {"1"}}); !strings.Contains(said, "group: "+supervising+" from ERROR") {
		t.Errorf("the level of a package is not changed in the group: %s", said)
	}
	eventually(t, "there are no records for debugging", on(`"DEBUG in depth"`))
	p.signal(syscall.SIGTERM)
	p.exits(0)
	text := p.stderr.String()
	for part, want := range map[string]bool{
		"DEBUG in depth": true, "INFO  group serves ": true, // before the supervisor was told not to
		"INFO  group stops ": false, "INFO  process ended ": false,
	} {
		if strings.Contains(text, part) != want {
			t.Errorf("%q is in it: %v, want %v:\n%s", part, !want, want, text)
		}
	}
	if !regexp.MustCompile(`DEBUG draining .* process=meta\n`).MatchString(text) {
		t.Errorf("the meta process does not say that it drains:\n%s", text)
	}
}

func TestLogFileThatCannotBe(t *testing.T) {
	p, get := logging(t, "WORKERS=0", "LOG="+filepath.Join(t.TempDir(), "no", "dir"))
	p.start()
	eventually(t, "it does not answer", func() bool { return get("/") == "200 ok" })
	p.signal(syscall.SIGTERM)
	p.exits(0)
	if text := p.stderr.String(); !strings.Contains(text, "logging to standard error") || !strings.Contains(text, "by default") {
		t.Errorf("it said\n%s", text)
	}
}

// TestLogFileFull: the disk that the log file is on is full. Requests do not
// notice, and standard error is told.
func TestLogFileFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no full disk:", err)
	}
	for _, workers := range []string{"WORKERS=0", "WORKERS=1"} {
		t.Run(workers, func(t *testing.T) {
			p, get := logging(t, workers, "LOG=/dev/full")
			p.start()
			eventually(t, "it does not answer", func() bool { return get("/") == "200 ok" })
			for i := range 4 {
				if got := get("/much"); got != "200 ok" {
					t.Fatalf("request %d: %s", i, got)
				}
			}
			p.signal(syscall.SIGTERM)
			p.exits(0)
			if text := p.stderr.String(); !strings.Contains(text, "log cannot be written") || !strings.Contains(text, "no space left") {
				t.Errorf("it said\n%s", text)
			}
		})
	}
}

// TestLogToSyslog has the lines of a worker sent to a server.
func TestLogToSyslog(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := server.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	p, get := logging(t, "WORKERS=1", "SYSLOG="+server.LocalAddr().String())
	p.start()
	eventually(t, "it does not answer", func() bool { return get("/") == "200 ok" })
	packet := make([]byte, 64<<10)
	for text := ""; !strings.HasPrefix(text, "<134>1 ") || !strings.Contains(text, " web1 ") || !strings.Contains(text, " - - by default ") || !strings.HasSuffix(text, " worker=1"); {
		n, _, err := server.ReadFrom(packet)
		if err != nil {
			t.Fatalf("%v; the last that came was %q", err, text)
		}
		text = string(packet[:n])
	}
	p.signal(syscall.SIGTERM)
	p.exits(0)
	if text := p.stderr.String(); strings.Contains(text, "by default") {
		t.Errorf("on standard error there is\n%s", text)
	}
}

// TestLogPipe: nobody reads the log, or whoever has read it is gone. Requests
// do not notice.
func TestLogPipe(t *testing.T) {
	for _, workers := range []string{"WORKERS=0", "WORKERS=2"} {
		for _, gone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reader gone %v", workers, gone), func(t *testing.T) {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				p, get := logging(t, workers)
				p.cmd.Stdout, p.cmd.Stderr = w, w
				p.start()
				_ = w.Close()
				if gone {
					_ = r.Close()
				}
				eventually(t, "it does not answer", func() bool { return get("/much") == "200 ok" })
				for i := range 4 {
					if got := get("/much"); got != "200 ok" {
						t.Fatalf("request %d: %s", i, got)
					}
				}
				p.signal(syscall.SIGTERM)
				p.exits(0)
			})
		}
	}
}

// TestGroupsLogApart has two groups in one process, of which neither sees what
// the other logs.
func TestGroupsLogApart(t *testing.T) {
	servers := make(map[string]*running)
	for _, name := range []string{"one", "two"} {
		group := support.New(name)
		server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			lines.From(r.Context()).Info("spoken", "by", name)
			lines.Begin(r.Context(), "speak").End(nil)
		}))
		servers[name] = start(t, group)
		c := dial(t, server.Addr())
		c.get("/")
		c.answer()
	}
	for name, r := range servers {
		r.logs.has(t, "speak", "outcome=success", "group="+name)
		if text := r.logs.String(); strings.Count(text, "msg=spoken") != 1 || !strings.Contains(text, " by="+name+"\n") {
			t.Errorf("group %s has logged\n%s", name, text)
		}
		if n := r.group.Stats.Distribution("action.seconds", "action", "speak", "outcome", "success").Snapshot().Count; n != 1 {
			t.Errorf("group %s has counted %d actions", name, n)
		}
	}
}
