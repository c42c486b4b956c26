//go:build unix

package accept

import "golang.org/x/sys/unix"

// openLimit is how many connections leave enough descriptors for the rest of a
// program, such as a connection to an upstream for each; or -1 for any number.
func openLimit() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return -1
	}
	return max(int(limit.Cur/2)-reserved, 1)
}
