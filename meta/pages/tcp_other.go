//go:build !linux

package pages

import "net"

// factsOf knows nothing.
func factsOf(net.Conn) (tcpFacts, bool) { return tcpFacts{}, false }
