//go:build !linux

package bind

import "net"

func boundUnsent(net.Listener) {}
