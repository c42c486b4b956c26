package support_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStarvingProcess has a real process run out of descriptors, with requests
// that hold them: it waits without spinning, says so once, and recovers.
func TestStarvingProcess(t *testing.T) {
	t.Parallel()
	p, get := onSocket(t, "starving")
	p.start()
	eventually(t, "it does not serve", func() bool { return strings.HasPrefix(get("/"), "200 ") })
	var holding []net.Conn
	for range 60 { // of 64 descriptors some are in use
		c, err := net.Dial("unix", address(p).String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET /hold/ HTTP/1.1\r\nHost: x\r\n\r\n")
		holding = append(holding, c)
	}
	eventually(t, "nothing is said", func() bool { return strings.Contains(p.stderr.String(), "cannot accept connections") })
	before, begun := cpuTime(t, p.cmd.Process.Pid), time.Now()
	again := time.NewTicker(2 * time.Second)
	defer again.Stop()
	<-again.C
	if used, took := cpuTime(t, p.cmd.Process.Pid)-before, time.Since(begun); used > took/5 {
		t.Errorf("it has used %v of CPU in %v, while it can accept nothing", used, took)
	}
	for _, c := range holding {
		_ = c.Close()
	}
	eventually(t, "it does not recover", func() bool { return strings.HasPrefix(get("/"), "200 ") })
	eventually(t, "nothing is said of it", func() bool {
		return strings.HasPrefix(get("/"), "200 ") && strings.Contains(p.stderr.String(), "accepting connections again")
	})
	text := p.stderr.String()
	for _, line := range []string{"cannot accept connections", "accepting connections again"} {
		if n := strings.Count(text, line); n != 1 {
			t.Errorf("said %d times that it is %s:\n%s", n, line, text)
		}
	}
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// cpuTime is what a process has used so far.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, field := range fields[11:13] { // user and system
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}
