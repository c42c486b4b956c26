package prefork

import (
	"os"

	"golang.org/x/sys/unix"
)

// ownProgram names the file that this process runs, even if it has been
// replaced or removed since: in the child that is to execute it, the link
// still leads to the same inode.
func ownProgram() string { return "/proc/self/exe" }

// nameProcess gives this process the name by which ps(1) knows its supervisor:
// the kernel has called it after the link that ownProgram names.
func nameProcess(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // a name is not worth failing for
}

// sharedMemory is sealed at its size: whoever has it can write in it, and can
// neither cut it short, which would kill its readers, nor make it grow.
func sharedMemory(name string, size int64) (fd int, err error) {
	fd, err = unix.MemfdCreate("support-"+name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	err = unix.Ftruncate(fd, size)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("seal memory", err)
	}
	return fd, nil
}
