//go:build unix

package support

import "syscall"

// terminate has this worker drain, as SIGTERM does; its supervisor replaces it.
func terminate() error { return syscall.Kill(syscall.Getpid(), syscall.SIGTERM) }
