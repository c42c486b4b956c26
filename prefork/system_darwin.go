package prefork

import (
	"os"

	"golang.org/x/sys/unix"
)

// ownProgram names the file that this process was started from. There is no
// way here to execute an inode whose name has gone.
func ownProgram() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// nameProcess has nothing to do where the program is started by its path.
func nameProcess(string) {}

// sharedMemory is a file without a name. Unlike Linux's, its size cannot be
// sealed: a worker that cuts it short kills its supervisor.
func sharedMemory(name string, size int64) (fd int, err error) {
	file, err := os.CreateTemp("", "support-"+name)
	if err != nil {
		return -1, err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return -1, err
	}
	if err := file.Truncate(size); err != nil {
		return -1, err
	}
	fd, err = unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return fd, os.NewSyscallError("dup", err)
}
