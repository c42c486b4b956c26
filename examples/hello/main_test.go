//go:build linux || darwin

package main

import (
	"bufio"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/prefork"
)

const patience = 30 * time.Second

// TestHello does to the program what its users and the world do.
func TestHello(t *testing.T) {
	h := run(t)
	first := h.workers(2)
	h.greets()

	if err := syscall.Kill(first[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.greets() // by the other one
	h.eventually("the killed worker is not replaced", func() bool {
		pids := h.serving()
		return len(pids) == 2 && !slices.Contains(pids, first[0]) && slices.Contains(pids, first[1])
	})

	before := h.workers(2)
	h.signal(syscall.SIGHUP)
	h.eventually("SIGHUP has not replaced the workers", func() bool {
		pids := h.serving()
		return len(pids) == 2 && !slices.Contains(pids, before[0]) && !slices.Contains(pids, before[1])
	})
	h.greets()

	h.signal(syscall.SIGTTIN)
	h.workers(3)
	h.signal(syscall.SIGTTOU)
	h.workers(2)
	h.greets()

	h.signal(syscall.SIGQUIT)
	h.says("goroutine ")
	h.greets()

	pids := h.pids()
	h.signal(syscall.SIGTERM)
	if err := h.wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
	h.leavesNothing()
}

// TestSize keeps the program as short as it looks: 25 lines without imports,
// comments and blank lines.
func TestSize(t *testing.T) {
	const most = 25
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "main.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.IMPORT {
			return false
		}
		if n != nil {
			lines[set.Position(n.Pos()).Line] = true
			lines[set.Position(n.End()-1).Line] = true
		}
		return true
	})
	if len(lines) > most {
		t.Errorf("main.go has %d lines of code, want at most %d", len(lines), most)
	}
}

// program is a hello that runs.
type program struct {
	t          *testing.T
	cmd        *exec.Cmd
	dir        string // its runtime directory
	addr, meta string
	lines      chan string // of its standard error; closed at the end
	client     *http.Client
}

func run(t *testing.T) *program {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hello")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	dir, err := os.MkdirTemp("", "hello") //nolint:usetesting // the path of t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	h := &program{
		t: t, dir: dir, addr: freeAddress(t), meta: freeAddress(t), lines: make(chan string, 10_000),
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience},
	}
	h.cmd = exec.Command(binary, "-addr", h.addr, "-meta", h.meta, "-workers", "2")
	h.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+dir)
	stderr, err := h.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go h.read(stderr)
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill() // if the test has failed; the workers notice and go
		_ = os.RemoveAll(dir)
	})
	h.eventually("hello does not get ready", func() bool {
		resp, err := h.client.Get("http://" + h.meta + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return h
}

// freeAddress is one that nobody uses at this moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func (h *program) read(r io.Reader) {
	defer close(h.lines)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		select {
		case h.lines <- lines.Text():
		default: // more than anybody waits for
		}
	}
}

func (h *program) eventually(wrong string, condition func() bool) {
	h.t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			h.t.Fatal(wrong)
		}
	}
}

func (h *program) signal(s syscall.Signal) {
	h.t.Helper()
	if err := h.cmd.Process.Signal(s); err != nil {
		h.t.Fatal(err)
	}
}

// says waits for a line on standard error.
func (h *program) says(part string) {
	h.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, more := <-h.lines:
			if strings.Contains(line, part) {
				return
			}
			if !more {
				h.t.Fatalf("hello ended without a line with %q", part)
			}
		case <-deadline:
			h.t.Fatalf("hello has not written a line with %q", part)
		}
	}
}

// greets wants the greeting over several connections.
func (h *program) greets() {
	h.t.Helper()
	for range 10 {
		resp, err := h.client.Get("http://" + h.addr)
		if err != nil {
			h.t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || string(body) != "Hello, world!\n" {
			h.t.Fatalf("got %q, %v", body, err)
		}
	}
}

func (h *program) state() (s prefork.State) {
	h.t.Helper()
	resp, err := h.client.Get("http://" + h.meta + "/status.json")
	if err != nil {
		return s // the helper that answers is being replaced
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		h.t.Fatal(err)
	}
	return s
}

// serving are the pids of the workers that serve.
func (h *program) serving() (pids []int) {
	h.t.Helper()
	for _, p := range h.state().Processes {
		if p.Role == prefork.WorkerRole && p.Phase == prefork.Serving {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

// pids are those of all processes.
func (h *program) pids() []int {
	h.t.Helper()
	pids := []int{h.cmd.Process.Pid}
	for _, p := range h.state().Processes {
		pids = append(pids, p.PID)
	}
	return pids
}

// workers waits for a number of workers that serve.
func (h *program) workers(n int) (pids []int) {
	h.t.Helper()
	h.eventually("the workers do not serve", func() bool {
		pids = h.serving()
		return len(pids) == n
	})
	return pids
}

func (h *program) wait() error {
	h.t.Helper()
	ended := make(chan error, 1)
	go func() {
		for range h.lines { // Wait wants the pipe to be read to its end
		}
		ended <- h.cmd.Wait()
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		h.t.Fatal("hello does not stop")
		return nil
	}
}

// leavesNothing wants nothing but locks in the runtime directory, and nobody at the
// addresses.
func (h *program) leavesNothing() {
	h.t.Helper()
	err := filepath.WalkDir(h.dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(entry.Name(), "lock") {
			h.t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		h.t.Error(err)
	}
	for _, address := range []string{h.addr, h.meta} {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			h.t.Errorf("somebody listens on %s", address)
		}
	}
}
