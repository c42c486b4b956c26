//go:build unix

package support_test

import "golang.org/x/sys/unix"

// starve leaves this process few descriptors.
func starve() {
	limit := unix.Rlimit{Cur: 64, Max: 64}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		panic(err)
	}
}
