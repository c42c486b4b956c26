//go:build unix

package offload

import (
	"os"
	"syscall"
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
