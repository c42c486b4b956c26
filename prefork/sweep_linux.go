package prefork

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// sweep kills all processes that were started with a variable in their
// environment: what a worker that has ended has left behind, in whatever session
// and whoever's child it is now. It looks again until there are none, since they
// may start others meanwhile.
func sweep(variable string) {
	const rounds = 5 // a process that is just being killed is found again
	for range rounds {
		if killMarked(variable) == 0 {
			return
		}
	}
}

func killMarked(variable string) (killed int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		process, err := os.FindProcess(pid) // before the look, so that the number cannot have become another's
		if err != nil {
			continue
		}
		if hasVariable(pid, variable) && process.Signal(syscall.SIGKILL) == nil {
			killed++
		}
		_ = process.Release()
	}
	return killed
}

// hasVariable looks at the environment with which a process was started.
func hasVariable(pid int, variable string) bool {
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ")) // empty for one that has ended
	return err == nil && bytes.Contains(append([]byte{0}, environ...), append(append([]byte{0}, variable...), 0))
}
