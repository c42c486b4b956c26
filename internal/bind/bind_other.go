//go:build !unix

package bind

import (
	"errors"
	"io/fs"
	"net"
	"syscall"
)

func inherited(string, bool) (int, error) {
	return -1, errors.New("sockets cannot be inherited on this system")
}

// FromDescriptor fails: there is no descriptor to make it from.
func FromDescriptor(int) (net.Listener, error) { return nil, errors.ErrUnsupported }

// PacketFromDescriptor fails like FromDescriptor.
func PacketFromDescriptor(int) (net.PacketConn, error) { return nil, errors.ErrUnsupported }

func restrict(syscall.RawConn, fs.FileMode) error { return nil }

func setBacklog(net.Listener, int) error { return nil }

// refused takes any failure to connect as a sign that nobody listens.
func refused(error) bool { return true }

func inUse(error) bool { return false }
