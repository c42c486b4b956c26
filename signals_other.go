//go:build !unix

package support

import "os"

// scaling is 0: there are no such signals here.
func scaling(os.Signal) int { return 0 }

func scalingSignals() []os.Signal { return nil }
