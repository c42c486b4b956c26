//go:build unix

package support_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support"
)

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	group := support.New("unix")
	group.Drain.LameDuck = time.Millisecond
	server := group.HTTP("unix:"+path, handler())
	server.Socket.Mode = 0o620
	r := start(t, group) // over the file of one that has died
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o620 {
		t.Errorf("got mode %v, %v; want a socket with 0620", info.Mode(), err)
	}
	if addr := server.Addr(); addr.Network() != "unix" || addr.String() != path {
		t.Errorf("got address %s %s, want unix %s", addr.Network(), addr, path)
	}
	c := dial(t, server.Addr())
	c.get("/")
	if _, body := c.answer(); body != "ok" {
		t.Errorf("got %q, want ok", body)
	}

	second := support.New("second")
	second.HTTP("unix:"+path, handler())
	wantError(t, second.Run(t.Context()), path, "another process serves on it")
	c.get("/")
	if _, body := c.answer(); body != "ok" {
		t.Errorf("after somebody has tried to take its place: got %q, want ok", body)
	}
	dial(t, server.Addr())

	_ = c.Close()
	r.stop()
	r.endsWell()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestUnixSocketThatIsNoneOfOurs(t *testing.T) {
	path := filepath.Join(shortDir(t), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	group := support.New("careful")
	group.HTTP("unix:"+path, handler())
	wantError(t, group.Run(t.Context()), path, "not a socket")
	if data, err := os.ReadFile(path); err != nil || string(data) != "data" {
		t.Errorf("the file has %q, %v", data, err)
	}
}

func TestNobodyHasPassedASocket(t *testing.T) {
	group := support.New("orphan")
	group.HTTP("fd:web", handler())
	wantError(t, group.Run(t.Context()), "web", "no socket has been inherited")
}

// TestInheritedSocket starts a program as systemd would, with two sockets, and
// with connections that came before it.
func TestInheritedSocket(t *testing.T) {
	other, web := listen(t, "tcp", "127.0.0.1:0"), listen(t, "tcp", "127.0.0.1:0")
	early := dial(t, web.Addr())
	early.get("/")
	p := startProgram(t, "inherited", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=other:web"}, file(t, other), file(t, web))
	if _, body := early.answer(); body != "inherited" {
		t.Errorf("got %q, want inherited", body)
	}
	_ = early.Close()
	p.signal(os.Interrupt)
	p.exits(0)
	late := dial(t, web.Addr()) // the socket is not the program's to close
	_ = late.Close()
}

// TestProbeThatFails: somebody ends the listening of a server that only shows the
// group. The others serve on, and it is said.
func TestProbeThatFails(t *testing.T) {
	web, probe := listen(t, "tcp", "127.0.0.1:0"), listen(t, "tcp", "127.0.0.1:0")
	shared := file(t, probe)
	p := startProgram(t, "probed", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=web:probe", "ADDRESS=fd:web", "PROBE=fd:probe"}, file(t, web), shared)
	if code, body := fetch(t, "http://"+probe.Addr().String()+"/readyz"); code != 200 {
		t.Errorf("ready: %d %s", code, body)
	}
	if err := syscall.Shutdown(int(shared.Fd()), syscall.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	p.stderr.has(t, "the group cannot be looked at any more", "fd:probe")
	if code, body := fetch(t, "http://"+web.Addr().String()+"/"); code != 200 || body != "ok" {
		t.Errorf("serving on: %d %s", code, body)
	}
	p.signal(os.Interrupt)
	p.exits(0)
}

func file(t *testing.T, ln net.Listener) *os.File {
	t.Helper()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
