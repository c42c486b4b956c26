package accept

import "golang.org/x/sys/unix"

// accept takes a connection from the kernel.
func (d *door) accept(fd int) (int, error) {
	own, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return own, err
}
