//go:build unix

package support_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExit(t *testing.T) {
	taken := listen(t, "tcp", "127.0.0.1:0")
	tests := map[string]struct {
		program string
		env     []string
		code    int
		want    []string // in the one line that it writes
	}{
		"configuration": {"empty", nil, 2, []string{"empty: support: configuration: no servers", "; field Workers is -1"}},
		"port taken":    {"listening", []string{"ADDRESS=" + taken.Addr().String()}, 1, []string{"listening: listen on " + taken.Addr().String(), "address already in use"}},
		"setup fails":   {"failing", nil, 1, []string{"failing: in Setup: no database; and no hope"}},

		"configuration, with workers": {"empty", []string{"WORKERS=1"}, 2, []string{"empty: support: configuration: no servers", "; field Workers is -1"}},
		"port taken, with workers":    {"listening", []string{"WORKERS=1", "ADDRESS=" + taken.Addr().String()}, 1, []string{"listening: listen on " + taken.Addr().String(), "address already in use"}},
		"setup fails in a worker":     {"failing", []string{"WORKERS=2"}, 1, []string{"failing: ", "in Setup: no database; and no hope"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := startProgram(t, test.program, append(test.env, "RUNTIME_DIRECTORY="+shortDir(t)))
			p.exits(test.code)
			said := strings.Split(strings.TrimSuffix(p.stderr.String(), "\n"), "\n")
			if len(said) != 1 && !slices.Contains(test.env, "WORKERS=2") { // which log first
				t.Errorf("got %q, want one line", said)
			}
			wantError(t, errors.New(said[len(said)-1]), test.want...)
		})
	}
}

// TestSignals sends each of them to a program that would never end by itself.
func TestSignals(t *testing.T) {
	tests := map[string]struct {
		signals []os.Signal
		want    string // on standard error
		env     string
	}{
		"SIGTERM, twice":     {[]os.Signal{syscall.SIGTERM, syscall.SIGTERM}, "", "WORKERS=0"},
		"SIGINT and SIGTERM": {[]os.Signal{os.Interrupt, syscall.SIGTERM}, "", "WORKERS=0"},
		"SIGHUP and SIGINT":  {[]os.Signal{syscall.SIGHUP, os.Interrupt}, "", "WORKERS=0"},
		"SIGQUIT":            {[]os.Signal{syscall.SIGQUIT, os.Interrupt, os.Interrupt}, "goroutine ", "WORKERS=0"},

		"SIGTERM, twice, with workers": {[]os.Signal{syscall.SIGTERM, syscall.SIGTERM}, "", "WORKERS=2"},
		"SIGQUIT, with workers":        {[]os.Signal{syscall.SIGQUIT, os.Interrupt, os.Interrupt}, "goroutine ", "WORKERS=2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := startProgram(t, "holding", []string{test.env, "RUNTIME_DIRECTORY=" + shortDir(t)})
			addr, err := net.ResolveTCPAddr("tcp", p.line())
			if err != nil {
				t.Fatal(err)
			}
			held := dial(t, addr)
			held.get("/")
			held.answer() // which would hold a drain up for hours
			for i, s := range test.signals {
				p.signal(s)
				switch {
				case i == len(test.signals)-1:
				case s == syscall.SIGQUIT:
					eventually(t, "no stacks", func() bool { return strings.Contains(p.stderr.String(), test.want) })
				default:
					eventually(t, "the program does not drain", func() bool {
						conn, err := net.DialTimeout("tcp", addr.String(), time.Second)
						if err == nil {
							_ = conn.Close()
						}
						return errors.Is(err, syscall.ECONNREFUSED)
					})
				}
			}
			p.exits(0)
			held.closes()
		})
	}
}

// TestDelay wants a program that stops to say so and go on accepting, until it
// is told to stop at once.
func TestDelay(t *testing.T) {
	for _, workers := range []string{"WORKERS=0", "WORKERS=2"} {
		t.Run(workers, func(t *testing.T) {
			dir := shortDir(t)
			addr, probe := &net.UnixAddr{Name: dir + "/s", Net: "unix"}, &net.UnixAddr{Name: dir + "/p", Net: "unix"}
			p := startProgram(t, "delaying", []string{workers, "RUNTIME_DIRECTORY=" + shortDir(t), "ADDRESS=unix:" + addr.Name, "PROBE=unix:" + probe.Name})
			readyz := func() int {
				conn, err := net.Dial("unix", probe.Name)
				if err != nil {
					return 0
				}
				c := newClient(t, conn)
				defer c.Close()
				c.get("/readyz")
				answer, _ := c.answer()
				return answer.StatusCode
			}
			eventually(t, "it does not get ready", func() bool { return readyz() == 200 })
			p.signal(syscall.SIGTERM)
			eventually(t, "it is ready, though it stops", func() bool { return readyz() == 503 })
			c := dial(t, addr)
			c.get("/")
			if answer, body := c.answer(); body != "ok" || answer.Close {
				t.Errorf("in the delay: got %q, close %v; want ok on a kept connection", body, answer.Close)
			}
			p.signal(syscall.SIGTERM)
			p.exits(0)
			c.closes()
		})
	}
}

// TestNoRights lets a program without them try what root may do.
func TestNoRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start a program as somebody else")
	}
	if limit, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil && strings.TrimSpace(string(limit)) == "0" {
		t.Skip("here anybody may listen on any port: net.ipv4.ip_unprivileged_port_start is 0")
	}
	path := shortDir(t) + "/s" // in a directory of root's
	self := publicSelf(t)
	tests := map[string]struct{ address, want string }{
		"a privileged port":     {"127.0.0.1:81", "ports below 1024 need root"},
		"a directory of others": {"unix:" + path, "this user may not create or replace that file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, "listening", []string{"ADDRESS=" + test.address})
			p.cmd.Args[len(p.cmd.Args)-1] = self
			p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			p.cmd.Dir = "/"
			p.start()
			p.exits(1)
			wantError(t, errors.New(p.stderr.String()), "listening: listen on ", test.want)
		})
	}
}

// publicSelf is a copy of this program that everybody may run.
func publicSelf(t *testing.T) string {
	t.Helper()
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "program")
	if err := os.WriteFile(path, code, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// program is this test program, started again to be another one.
type program struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *logs
}

func startProgram(t *testing.T, name string, env []string, files ...*os.File) *program {
	t.Helper()
	p := newProgram(t, name, env, files...)
	p.start()
	return p
}

// newProgram prepares a program. A shell stands between, since only the process
// itself knows the LISTEN_PID that it is to get.
func newProgram(t *testing.T, name string, env []string, files ...*os.File) *program {
	t.Helper()
	p := &program{t: t, stdout: new(logs), stderr: new(logs)}
	p.cmd = exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	p.cmd.Env = append(append(os.Environ(), programVariable+"="+name, "GORACE=atexit_sleep_ms=0"), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.ExtraFiles = files
	return p
}

func (p *program) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
}

// line waits for the first line on standard output.
func (p *program) line() (first string) {
	p.t.Helper()
	eventually(p.t, "the program says nothing", func() bool {
		line, _, whole := strings.Cut(p.stdout.String(), "\n")
		first = line
		return whole
	})
	return first
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) exits(want int) {
	p.t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.cmd.Wait() // ProcessState says it all
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		p.t.Fatal("the program does not end")
	}
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		p.t.Errorf("exit code %d, want %d; it said\n%s", got, want, p.stderr)
	}
}
