package offload

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// ownProgram names the file that this process runs; on Linux even if it has
// been replaced or removed since.
func ownProgram() string {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe"
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// nameProcess has ps(1) show the program's name in place of "exe".
func nameProcess(program string) {
	if runtime.GOOS == "linux" {
		_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(program)), 0) // a name is not worth failing for
	}
}

// environ is that of a helper: without what the service manager or a
// supervisor has said to this process alone.
func (p *Process) environ() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case strings.HasPrefix(name, "LISTEN_"), strings.HasPrefix(name, "WATCHDOG_"),
			name == "NOTIFY_SOCKET", name == "SUPPORT_LINK", name == processVariable:
		default:
			env = append(env, v)
		}
	}
	return append(env, processVariable+"="+p.Name)
}

// resident is how much memory a process has, in bytes; 0 if that is not known.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

func closeFiles(files ...*os.File) {
	for _, f := range files {
		_ = f.Close() // of pipes; may have been closed before
	}
}
