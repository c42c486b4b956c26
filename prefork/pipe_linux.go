package prefork

import "golang.org/x/sys/unix"

func pipe(fds *[2]int) error { return unix.Pipe2(fds[:], unix.O_CLOEXEC) }
