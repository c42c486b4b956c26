//go:build !unix

package upstream

import "net"

// peeker asks the kernel whether a connection has something to read.
type peeker struct{}

// newPeeker returns nil: there is no such question here, see socket.fit.
func newPeeker(net.Conn) *peeker { return nil }

func (p *peeker) isQuiet() bool { return false }
