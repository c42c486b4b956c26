//go:build unix

package goroutines

import (
	"syscall"
	"time"
)

// CPUTime is what this process has used of its processors so far; 0 where that is
// not known.
func CPUTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
