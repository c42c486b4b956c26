//go:build unix

package accept

import "golang.org/x/sys/unix"

// pending says whether something has come that its server has not read yet.
func (c *Conn) pending() (something bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // fails when closed
		var one [1]byte
		n, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		something = err == nil && n > 0
	})
	return something
}
