//go:build unix && !linux

package accept

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// accept takes a connection from the kernel. Where there is no accept4, a fork
// in between must be kept from inheriting it.
func (d *door) accept(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	own, _, err := unix.Accept(fd)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(own)
	if err := unix.SetNonblock(own, true); err != nil {
		_ = unix.Close(own)
		return -1, err
	}
	return own, nil
}
