package prefork_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/prefork"
)

// The threats that processes of a group are to each other and to a neighbour,
// by their ids.

// TestW1Flood: a worker writes a great deal to its link. The supervisor stays
// small and cares for the others as ever.
func TestW1Flood(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Silence = 3 * time.Second
	state := p.serve()
	victims := pids(state, prefork.Serving)
	small := p.staysSmall()
	p.behave("flood")
	p.kill(victims[0], syscall.SIGKILL)
	p.await("it floods", func(s prefork.State) bool {
		return slices.ContainsFunc(s.Processes, func(q prefork.Process) bool { return q.Failure != "" })
	})
	p.behave("")
	p.kill(victims[1], syscall.SIGSTOP)
	if d := p.death(victims[1]); !strings.Contains(d.Why, "no sign of life") {
		t.Errorf("the other worker, stopped, ended by %q", d.Why)
	}
	small()
	p.signal(syscall.SIGTERM)
	_ = p.exits() // the flood may have to be killed
}

// TestW2LiesAboutHealth: a worker answers its supervisor, and no client.
func TestW2LiesAboutHealth(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Limits.Stuck = 2 * time.Second
	p.serve()
	began := time.Now()
	go func() { _, _ = p.ask("hang") }()
	state := p.await("it is replaced", func(s prefork.State) bool { return len(s.Deaths) == 1 && serving(s) })
	if d := state.Deaths[0]; !strings.Contains(d.Why, "no request ended") || !strings.Contains(d.Output, "goroutine ") {
		t.Errorf("it ended by %q with output %.40q", d.Why, d.Output)
	}
	t.Logf("replaced after %v", time.Since(began))
	p.stop()
}

// TestW2NeverAccepts: a worker answers its supervisor, and takes no connection. It
// is found by what its sibling takes, or if it is alone, by what waits for it.
func TestW2NeverAccepts(t *testing.T) {
	t.Parallel()
	for name, workers := range map[string]int{"alone": 1, "with a sibling": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.Limits.Stuck = 2 * time.Second
			p.Workers = workers
			p.behave("aloof")
			state := p.serve()
			aloof := pids(state, prefork.Serving)[0]
			p.behave("")
			if workers > 1 {
				p.kill(pids(state, prefork.Serving)[1], syscall.SIGKILL)
				p.await("it has a sibling", func(s prefork.State) bool { return len(s.Deaths) == 1 && serving(s) })
			}
			began := time.Now()
			until(t, "it is replaced", func() error {
				conn, err := net.Dial("tcp", p.Addr)
				if err == nil {
					_ = conn.Close()
				}
				var s prefork.State
				if err := p.control("status", &s); err != nil {
					return err
				}
				if len(s.Deaths) < workers || !serving(s) {
					return errors.New("not yet")
				}
				return nil
			})
			if d := p.death(aloof); !strings.Contains(d.Why, "took no connection") || !strings.Contains(d.Output, "goroutine ") {
				t.Errorf("it ended by %q with output %.40q", d.Why, d.Output)
			}
			t.Logf("replaced after %v", time.Since(began))
			p.must("pid")
			p.stop()
		})
	}
}

// TestW3ForgedMessages: a worker says what only others may say, about others,
// and what would garble a terminal.
func TestW3ForgedMessages(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	before := p.serve()
	p.must(`tell {"ready":true,"serial":1,"slot":2,"pid":1,"role":"../../etc","failed":"\u001b[2J\u0007"}`)
	p.must(`tell {"handover":{"name":"x","sockets":[]},"drain":"x","now":true,"stopping":true}`)
	p.must(`tell {"pong":true,"work":{"busy":-1e300,"gc":1e300}}`)
	state := p.await("it is noted", func(s prefork.State) bool {
		return slices.ContainsFunc(s.Processes, func(q prefork.Process) bool { return q.Failure != "" })
	})
	if !slices.Equal(pids(state, prefork.Serving), pids(before, prefork.Serving)) {
		t.Errorf("serving %v, before %v", pids(state, prefork.Serving), pids(before, prefork.Serving))
	}
	_, _ = p.ask("exit")
	p.await("replaced", func(s prefork.State) bool { return len(s.Deaths) == 1 && serving(s) })
	if log := p.log.String(); strings.ContainsAny(log, "\x1b\x07") {
		t.Error("escapes in the log")
	}
	p.stop()
}

// TestW4DoesNotGo: a worker that ignores orders goes all the same, with what it
// has started, even if that is nobody's child any more.
func TestW4DoesNotGo(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Workers = 1
	p.Limits.Drain = time.Second
	p.behave("deaf")
	deaf := pids(p.serve(), prefork.Serving)[0]
	p.must("start sh -c sleep${IFS}60&")
	p.must("start setsid --fork sleep 60") // in a session of its own
	p.behave("")
	began := time.Now()
	p.kill(deaf, syscall.SIGTERM)
	d := p.death(deaf)
	if took := d.Ended.Sub(began); !strings.Contains(d.Why, "did not drain") || took > p.Limits.Drain+4*time.Second { // two for its stacks
		t.Errorf("it ended by %q after %v", d.Why, took)
	}
	until(t, "what it started is gone", func() error {
		if left := p.processes(); len(left) != 2 {
			return fmt.Errorf("%v are left, want two", left)
		}
		return nil
	})
	p.stop()
}

// TestW5Runaway: workers that exit at once are started rarely, and cost little,
// and the control socket answers.
func TestW5Runaway(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Workers = 8
	p.behave("exit")
	p.start()
	state := p.await("crash-looping", func(s prefork.State) bool { return s.Phase == prefork.GroupCrashLooping && s.Serial >= 5 })
	took := time.Since(state.Started)
	if least := time.Second; took < least {
		t.Errorf("%d starts in %v", state.Serial, took)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	t.Logf("%d starts in %v took the supervisor %d ms of CPU time", state.Serial, took, 10*(user+system))
	p.stop()
}

// asNobody runs do with another user's rights on files, and as another user for
// whoever asks the kernel who is calling.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to be somebody else")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		const keep, nobody = ^uintptr(0), uintptr(65534)
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, nobody, keep)
		if errno != 0 {
			done <- errno
			return
		}
		do()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestC1OthersOnTheControlSocket: they do not reach it, and where they do, they
// are not heard.
func TestC1OthersOnTheControlSocket(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.serve()
	path := filepath.Join(p.Dir, "control.sock")
	for file, want := range map[string]fs.FileMode{p.Dir: fs.ModeDir | 0o700, path: fs.ModeSocket | 0o600} {
		if info, err := os.Lstat(file); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", file, info.Mode(), err, want)
		}
	}
	ask := func() (err error) {
		asNobody(t, func() { _, err = control.Ask(t.Context(), path, control.Request{Do: "status"}, nil) })
		return err
	}
	if err := ask(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("another user: %v, want %v", err, fs.ErrPermission)
	}
	for _, dir := range []string{filepath.Dir(p.Dir), p.Dir} { // a friendly process opens the way
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := ask(); err == nil || errors.Is(err, fs.ErrPermission) {
		t.Errorf("another user with the way open: %v, want to be refused by the server", err)
	}
	if err := p.control("status", nil); err != nil {
		t.Error(err)
	}
	p.stop()
}

// TestC2SquattedPath: what lies where the control socket is to be is replaced,
// whoever has put it there, and what a link points to is not touched. That a
// second group in the same directory is refused, TestTakenDirectory shows.
func TestC2SquattedPath(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, path string) error{
		"a link": func(_ *testing.T, path string) error {
			precious := filepath.Join(filepath.Dir(filepath.Dir(path)), "precious")
			return errors.Join(os.WriteFile(precious, []byte("untouched"), 0o600), os.Symlink(precious, path))
		},
		"another's socket": func(_ *testing.T, path string) error {
			ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				return err
			}
			ln.SetUnlinkOnClose(false)
			_ = ln.Close() // or the test would ask it
			if os.Geteuid() != 0 {
				return nil // so it is our own
			}
			return os.Chown(path, 12345, 12345)
		},
	}
	for name, squat := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			path := filepath.Join(p.Dir, "control.sock")
			if err := errors.Join(os.Mkdir(p.Dir, 0o700), squat(t, path)); err != nil {
				t.Fatal(err)
			}
			p.serve()
			info, err := os.Lstat(path)
			if err != nil || info.Mode() != fs.ModeSocket|0o600 || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
				t.Errorf("control socket: %v, %v", info.Mode(), err)
			}
			precious := filepath.Join(filepath.Dir(p.Dir), "precious")
			if text, err := os.ReadFile(precious); err == nil && string(text) != "untouched" {
				t.Errorf("the file behind the link: %q", text)
			}
			p.stop()
		})
	}
}

// TestC3Impostor gets no sockets: neither another user, nor anybody while there
// is a supervisor.
func TestC3Impostor(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.serve()
	var worker string
	until(t, "a worker's own socket", func() error {
		paths, err := filepath.Glob(filepath.Join(p.Dir, "w*.sock"))
		if len(paths) == 0 {
			return errors.Join(err, errors.New("none yet"))
		}
		worker = paths[0]
		return nil
	})
	ask := func() error {
		var bound []prefork.Bound
		descriptors, err := control.Ask(t.Context(), worker, control.Request{Do: "sockets"}, &bound)
		if len(descriptors) > 0 {
			t.Errorf("got descriptors %v", descriptors)
		}
		return err
	}
	if err := ask(); !errors.Is(err, control.ErrRefused) {
		t.Errorf("while there is a supervisor: %v, want %v", err, control.ErrRefused)
	}
	asNobody(t, func() {
		if err := ask(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("another user: %v, want %v", err, fs.ErrPermission)
		}
	})
	p.stop()
}

// TestC5Secrets: what only the group is to know stands in the environment and the
// command line of no process, and none leaves its memory on a disk, though it dies
// of SIGABRT where cores are welcome.
func TestC5Secrets(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.Helpers = []string{"aide"}
	p.under = []string{"prlimit", "--core=unlimited"}
	p.env = []string{"GOTRACEBACK=crash"} // with which Go wants a core
	state := p.serve()
	secret, err := hex.DecodeString(p.must("secret"))
	if err != nil || len(secret) != 16 {
		t.Fatalf("secret %x, %v", secret, err)
	}
	canaries := []string{string(secret), hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret)}
	all := p.processes()
	if len(all) < 4 {
		t.Errorf("looked at %v only", all)
	}
	for _, pid := range all {
		for _, file := range []string{"environ", "cmdline"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil {
				t.Error(err)
			}
			for _, canary := range canaries {
				if strings.Contains(string(text), canary) {
					t.Errorf("%s of %d has the group's secret", file, pid)
				}
			}
		}
	}
	victim := pids(state, prefork.Serving)[0]
	p.kill(victim, syscall.SIGABRT)
	if d := p.death(victim); d.Expected || d.Exit.Signal != "SIGABRT" || d.Output == "" {
		t.Errorf("death by SIGABRT: %v, output %.40q", d.Exit, d.Output)
	}
	cores, err := filepath.Glob(filepath.Join(p.cmd.Dir, "*core*"))
	if err != nil || len(cores) > 0 {
		t.Errorf("left behind: %v, %v", cores, err)
	}
	p.await("all serve", serving)
	p.stop()
}

// TestC6RecycledPid: a number in a file is no reason to send a signal.
func TestC6RecycledPid(t *testing.T) {
	t.Parallel()
	innocent := exec.Command("sleep", "60")
	if err := innocent.Start(); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t)
	if err := os.Mkdir(p.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	pid := innocent.Process.Pid
	files := []string{"lock", "pid", fmt.Sprintf("w1.%d.sock", pid), fmt.Sprintf("w2.%d.sock", pid)}
	for _, file := range files[:2] {
		if err := os.WriteFile(filepath.Join(p.Dir, file), []byte(strconv.Itoa(pid)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files[2:] { // as of a worker that has died
		ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(p.Dir, file), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		ln.SetUnlinkOnClose(false)
		_ = ln.Close()
	}
	p.serve()
	p.stop()
	if err := innocent.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the process that has the number now: %v", err)
	}
	_ = innocent.Process.Kill()
	_ = innocent.Wait()
}
