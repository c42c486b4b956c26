package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/supporttest"
)

const patience = 30 * time.Second

// TestProxy runs the program between clients and backends, one of which dies.
func TestProxy(t *testing.T) {
	first := supporttest.NewUpstream(t, nil, supporttest.Lines(func(line string) string { return "first " + line + "\n" }))
	second := supporttest.NewUpstream(t, nil, supporttest.Lines(func(line string) string { return "second " + line + "\n" }))
	addr := run(t, "-to", first.Addr, "-fallback", second.Addr)
	if got := ask(t, addr); got != "first hello" {
		t.Errorf("answer is %q", got)
	}
	first.Stop()
	if got := ask(t, addr); got != "second hello" {
		t.Errorf("with the first gone, the answer is %q", got)
	}
}

// TestSize keeps the program as short as it is said to be.
func TestSize(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines >= 60 {
		t.Errorf("main.go has %d lines; want fewer than 60", lines)
	}
}

// ask sends a line, then the end, and returns all that comes back.
func ask(t *testing.T, addr string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(conn, "hello")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Errorf("after the end came %q, %v", rest, err)
	}
	return strings.TrimSpace(line)
}

// run starts the program on a free port and returns its address.
func run(t *testing.T, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tcpproxy")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	cmd := exec.Command(binary, append([]string{"-listen", addr}, args...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	})
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-look.C {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return addr
		}
	}
	t.Fatal("it does not listen")
	return ""
}
