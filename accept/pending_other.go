//go:build !unix

package accept

// pending is not known here.
func (c *Conn) pending() bool { return false }
