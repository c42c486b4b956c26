package logs

import (
	"os"
	"syscall"
	"unsafe"
)

// isTerminal asks for the settings that only a terminal has.
func isTerminal(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var settings syscall.Termios
	is := false
	err = raw.Control(func(fd uintptr) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
		is = errno == 0
	})
	return err == nil && is
}
