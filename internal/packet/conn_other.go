//go:build !unix

package packet

import (
	"errors"
	"net"
)

// readable has no way to look here.
func (c *Conn) readable() (bool, error) { return false, nil }

// sendAtOnce fails: there are no such sockets here.
func sendAtOnce(*net.UnixConn, []byte, *net.UnixAddr) error { return errors.ErrUnsupported }
