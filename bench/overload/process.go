package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a process of its own, pinned to the first core.
type server struct {
	cmd  *exec.Cmd
	addr string
}

func (b *bench) start(kind string, r round) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{addr: ln.Addr().String()}
	_ = ln.Close()
	s.cmd = exec.Command("taskset", "-c", "0", self, "-serve", kind, "-addr", s.addr,
		"-work", strconv.Itoa(b.work), "-pause", r.Pause.String(), "-protos", r.Proto)
	s.cmd.Env = environment(r.Procs, b.dir)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			return s, conn.Close()
		}
		if time.Now().After(deadline) {
			s.stop()
			return nil, fmt.Errorf("%s does not answer: %w", kind, err)
		}
	}
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Process.Kill() // its workers notice, and have nobody to serve
	_ = s.cmd.Wait()
}

// tree is the process and what it has started.
func (s *server) tree() []int {
	pids := []int{s.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i])) // malformed it is not
		for _, list := range lists {
			text, err := os.ReadFile(list)
			if err != nil {
				continue // the thread has ended
			}
			for _, field := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(field); err == nil {
					pids = append(pids, pid)
				}
			}
		}
	}
	return pids
}

// memory is a field of /proc/PID/status in MiB, summed over the processes.
func (s *server) memory(field string) (mib float64, err error) {
	for _, pid := range s.tree() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, err
		}
		found := false
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, field+":"); ok {
				kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				if err != nil {
					return 0, err
				}
				mib, found = mib+kib/1024, true
			}
		}
		if !found {
			return 0, errors.New("no " + field)
		}
	}
	return mib, nil
}

// forgetPeak has the kernel measure the greatest memory from now on.
func (s *server) forgetPeak() error {
	for _, pid := range s.tree() {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
			return err
		}
	}
	return nil
}
