//go:build unix

package reports

import (
	"os"
	"syscall"
)

func tryLock(file *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}
