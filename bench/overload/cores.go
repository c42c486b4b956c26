package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// moveToSecondCore starts this program anew where its servers are not, unless it
// is there.
func moveToSecondCore() error {
	const told = "BENCH_ON_SECOND_CORE"
	if os.Getenv(told) != "" || runtime.GOOS != "linux" {
		return nil
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return fmt.Errorf("%w (it is in Debian's util-linux)", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(taskset, append([]string{"taskset", "-c", "1", self}, os.Args[1:]...), append(os.Environ(), told+"=1"))
}

// usage is what the first core has done so far.
type usage struct {
	server, all, stolen time.Duration // by the server, by anybody, by the host
}

const tick = 10 * time.Millisecond // in which the kernel counts them

func (s *server) usage() (u usage, err error) {
	ticks := func(fields []string) (sum time.Duration) {
		for _, field := range fields {
			n, _ := strconv.Atoi(field) // the kernel's own
			sum += time.Duration(n) * tick
		}
		return sum
	}
	for _, pid := range s.tree() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return u, err
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		u.server += ticks(strings.Fields(rest)[11:13]) // utime, stime
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == "cpu0" {
			u.all = ticks(fields[1:4]) + ticks(fields[6:8]) // without idle and iowait
			u.stolen = ticks(fields[8:9])
			return u, nil
		}
	}
	return u, errors.New("/proc/stat has no cpu0")
}
