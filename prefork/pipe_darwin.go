package prefork

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func pipe(fds *[2]int) error {
	syscall.ForkLock.RLock() // until both are closed on exec
	defer syscall.ForkLock.RUnlock()
	if err := unix.Pipe(fds[:]); err != nil {
		return err
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return nil
}
