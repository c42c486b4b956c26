//go:build !unix

package bind

import (
	"errors"
	"io/fs"
	"net"
	"syscall"
)

func inherited(string) (net.Listener, error) {
	return nil, errors.New("sockets cannot be inherited on this system")
}

func restrict(syscall.RawConn, fs.FileMode) error { return nil }

func setBacklog(net.Listener, int) error { return nil }

// refused takes any failure to connect as a sign that nobody listens.
func refused(error) bool { return true }

func inUse(error) bool { return false }
