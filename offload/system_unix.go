//go:build unix

package offload

import (
	"os"
	"syscall"
	"time"
)

// inheritedPipe makes a file of an inherited descriptor, one that the
// network poller waits for and no child inherits.
func inheritedPipe(fd int, name string) (*os.File, error) {
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("set non-blocking", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// computed is how long this process has had processors, in all.
func computed() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
