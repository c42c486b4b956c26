package prefork_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/prefork"
)

// settings are what the test program is told in its environment.
type settings struct {
	Dir     string
	Addr    string
	Workers int
	Helpers []string
	Limits  prefork.Limits
	Manner  string // file that says how workers behave that start from now on
	Capture bool   // the supervisor reads what processes print
	Mark    string // tells this test's processes from all others
}

// A program is the test binary, run as a program whose main is superviseOrWork.
type program struct {
	t *testing.T
	settings
	cmd   *exec.Cmd
	env   []string
	under []string   // command that runs the program, if any
	file  string     // of the program, if not this one's
	files []*os.File // inherited by the supervisor
	log   *buffer
	err   error         // of cmd, once ended is closed
	ended chan struct{} // closed when cmd has been waited for
}

// newProgram prepares a program in a runtime directory of its own.
func newProgram(t *testing.T) *program {
	t.Helper()
	dir, err := os.MkdirTemp("", "prefork") //nolint:usetesting // its path is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, log: new(buffer), settings: settings{
		Dir: filepath.Join(dir, "run"), Manner: filepath.Join(dir, "manner"), Mark: filepath.Base(dir),
		Addr: freeAddr(t), Workers: 2,
		Limits: prefork.Limits{Drain: 5 * time.Second, Orphan: 20 * time.Second},
	}}
	t.Cleanup(func() {
		p.sweep()
		if t.Failed() {
			t.Logf("log of the program:\n%s", p.log)
		}
		_ = os.RemoveAll(dir)
	})
	return p
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// start runs the program. Programs that are started again share everything
// but the process.
func (p *program) start() {
	p.t.Helper()
	text, err := json.Marshal(p.settings)
	if err != nil {
		p.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	command := append(slices.Clone(p.under), cmp.Or(p.file, self))
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Env = append(os.Environ(), programVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	p.cmd.Env = append(p.cmd.Env, p.env...)
	p.cmd.Dir = filepath.Join(filepath.Dir(p.Manner), "at")
	if err := os.MkdirAll(p.cmd.Dir, 0o700); err != nil {
		p.t.Fatal(err)
	}
	out, err := os.CreateTemp(filepath.Dir(p.Manner), "log")
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	p.log.add(out.Name())
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.ExtraFiles = out, out, p.files
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	cmd, ended := p.cmd, make(chan struct{})
	p.ended = ended
	go func() {
		defer close(ended)
		p.err = cmd.Wait()
	}()
}

// serve starts the program and waits until all workers serve.
func (p *program) serve() prefork.State {
	p.t.Helper()
	p.start()
	return p.await("all serve", serving)
}

func serving(s prefork.State) bool { return s.Phase == prefork.GroupServing }

// behave sets how workers that start from now on behave.
func (p *program) behave(manner string) {
	p.t.Helper()
	if err := os.WriteFile(p.Manner+".new", []byte(manner), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(p.Manner+".new", p.Manner); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) control(do string, value any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := control.Ask(ctx, filepath.Join(p.Dir, "control.sock"), control.Request{Do: do}, value)
	return err
}

// await asks for the state until it is as wanted.
func (p *program) await(what string, wanted func(prefork.State) bool) (state prefork.State) {
	p.t.Helper()
	until(p.t, what, func() error {
		state = prefork.State{}
		if err := p.control("status", &state); err != nil {
			return err
		}
		if !wanted(state) {
			return fmt.Errorf("phase %q (%s), processes %+v", state.Phase, state.Why, state.Processes)
		}
		return nil
	})
	return state
}

// patience is how long a test waits for anything.
const patience = 15 * time.Second

// until waits for try to succeed.
func until(t *testing.T, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
	}
}

// ask has a worker, whichever accepts, do something and returns its answer.
func (p *program) ask(question string) (string, error) {
	conn, err := net.DialTimeout("tcp", p.Addr, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintln(conn, question); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	if err == nil && len(answer) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSuffix(string(answer), "\n"), err
}

// must is ask without an error.
func (p *program) must(question string) string {
	p.t.Helper()
	answer, err := p.ask(question)
	if err != nil {
		p.t.Fatalf("%s: %v", question, err)
	}
	return answer
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	p.kill(p.cmd.Process.Pid, s)
}

func (p *program) kill(pid int, s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		p.t.Errorf("%v to %d: %v", s, pid, err)
	}
}

// exits waits for the end of the program.
func (p *program) exits() error {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(patience):
		p.t.Fatalf("the program has not ended within %v", patience)
		return nil
	}
}

// stop ends the program and checks that it leaves no process.
func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if err := p.exits(); err != nil {
		p.t.Errorf("after SIGTERM: %v", err)
	}
	if left := p.processes(); len(left) > 0 {
		p.t.Errorf("processes %v are left", left)
	}
}

// processes are all that have the program's mark in their environment.
func (p *program) processes() []int {
	entries, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		p.t.Fatal(err)
	}
	var found []int
	for _, entry := range entries {
		if environ, err := os.ReadFile(entry); err == nil && bytes.Contains(environ, []byte(`"`+p.Mark+`"`)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(entry)))
			found = append(found, pid)
		}
	}
	return found
}

// sweep kills what the test has left running.
func (p *program) sweep() {
	for _, pid := range p.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if p.ended != nil {
		<-p.ended
	}
}

// buffer is what the processes have written, in files that survive them.
type buffer struct {
	mu    sync.Mutex
	names []string
}

func (b *buffer) add(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names = append(b.names, name)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []byte
	for _, name := range b.names {
		text, _ := os.ReadFile(name)
		all = append(all, text...)
	}
	return string(all)
}

// pids of the workers in one of the phases.
func pids(s prefork.State, phases ...prefork.Phase) []int {
	var found []int
	for _, p := range s.Processes {
		if p.Role == prefork.WorkerRole && slices.Contains(phases, p.Phase) {
			found = append(found, p.PID)
		}
	}
	return found
}

// death returns the end of a process, once it is known.
func (p *program) death(pid int) (d prefork.Death) {
	p.t.Helper()
	p.await(fmt.Sprintf("death of %d", pid), func(s prefork.State) bool {
		i := slices.IndexFunc(s.Deaths, func(d prefork.Death) bool { return d.PID == pid })
		if i < 0 {
			return false
		}
		d = s.Deaths[i]
		return true
	})
	return d
}

// figure reads a number from a file of /proc, such as VmRSS of status.
func figure(t *testing.T, pid int, file, key string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), key+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s in %s of %d", key, file, pid)
	return 0
}

func socket(addr string) prefork.Socket {
	return prefork.Socket{Socket: bind.Socket{Name: "web", Network: "tcp", Address: addr}}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}
