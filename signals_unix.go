//go:build unix

package support

import (
	"os"
	"syscall"
)

// scaling maps signals to the number of workers that they ask for in addition.
func scaling(s os.Signal) int {
	switch s {
	case syscall.SIGTTIN:
		return 1
	case syscall.SIGTTOU:
		return -1
	}
	return 0
}

// scalingSignals are those that scaling knows.
func scalingSignals() []os.Signal { return []os.Signal{syscall.SIGTTIN, syscall.SIGTTOU} }
