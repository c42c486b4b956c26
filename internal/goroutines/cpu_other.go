//go:build !unix

package goroutines

import "time"

// Computed is not known here.
func Computed() time.Duration { return 0 }
