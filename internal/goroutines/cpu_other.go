//go:build !unix

package goroutines

import "time"

// CPUTime is not known here.
func CPUTime() time.Duration { return 0 }
