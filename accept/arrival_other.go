//go:build !linux

package accept

import "time"

// Arrived is zero, since this kernel does not tell.
func (c *Conn) Arrived() time.Time { return time.Time{} }
