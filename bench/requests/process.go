package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a server under load.
type process struct {
	cmd  *exec.Cmd
	addr string
}

func start(kind string) (*process, error) {
	for _, program := range []string{"wrk", "taskset"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w: install it (Debian: apt-get install wrk util-linux)", err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{addr: ln.Addr().String()}
	_ = ln.Close()
	p.cmd = exec.Command("taskset", "-c", "0", self, "-serve", kind, "-addr", p.addr)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + p.addr + path)
		if err == nil && resp.StatusCode == http.StatusOK {
			_ = resp.Body.Close()
			return p, nil
		}
		if time.Now().After(deadline) {
			p.stop()
			return nil, fmt.Errorf("%s does not answer: %v, %w", kind, resp, err)
		}
	}
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

// cpu is the time that the process has used, summed over its threads.
func (p *process) cpu() (total time.Duration, err error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// load returns the CPU time per request over one slice.
func (p *process) load(slice time.Duration) (time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	out, err := exec.Command("taskset", "-c", "1", "wrk", "-t1", "-c64", "-d", slice.String(), "http://"+p.addr+path).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if bytes.Contains(out, []byte("Non-2xx")) {
		return 0, fmt.Errorf("wrk was refused: %s", out)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if number, _, ok := strings.Cut(strings.TrimSpace(lines.Text()), " requests in"); ok {
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				return 0, err
			}
			return (after - before) / time.Duration(n), nil
		}
	}
	return 0, fmt.Errorf("wrk said: %s", out)
}
