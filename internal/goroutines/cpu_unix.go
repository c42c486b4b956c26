//go:build unix

package goroutines

import (
	"syscall"
	"time"
)

// Computed is how long this process has had processors, in all; 0 where that is
// not known.
func Computed() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
