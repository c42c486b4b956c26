package pressure

import (
	"os"

	"golang.org/x/sys/unix"
)

// openFiles is how many there are, as a part of how many there may be; 0 if
// nobody says.
func openFiles() float64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur == 0 {
		return 0
	}
	if info, err := os.Stat("/proc/self/fd"); err == nil && info.Size() > 0 {
		return float64(info.Size()) / float64(limit.Cur) // since Linux 6.2
	}
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return float64(len(names)) / float64(limit.Cur)
}
