// Package bind opens sockets to serve on: TCP, UDP, unix of both kinds, and those
// that whoever started this process has opened for it.
package bind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// DefaultBacklog is how many connections the kernel holds that nobody has
// accepted, unless a Socket says otherwise. The kernel's own limit
// (net.core.somaxconn) caps it.
const DefaultBacklog = 1024

// Socket says where to listen.
type Socket struct {
	Name    string      `json:"name"`    // unique in a group
	Network string      `json:"network"` // "tcp", "tcp4", "tcp6", "unix" or "fd"; for datagrams "udp", "udp4", "udp6", "unixgram" or "fdgram"
	Address string      `json:"address"` // host:port, a path, or the name of an inherited socket
	Mode    fs.FileMode `json:"mode,omitempty"`
	Backlog int         `json:"backlog,omitempty"` // of connections
	Buffer  int         `json:"buffer,omitempty"`  // for datagrams, in bytes; default the kernel's
}

// Parse splits an address as users write it: "unix:/path", "fd:name", or a
// host and port.
func Parse(address string) (network, rest string) {
	for _, network := range []string{"unix", "fd"} {
		if rest, ok := strings.CutPrefix(address, network+":"); ok {
			return network, rest
		}
	}
	return "tcp", address
}

// maxPath is the longest path that fits into a sockaddr_un on every system
// that we run on, its closing zero taken off.
const maxPath = 103

// Check finds what is wrong with s without opening anything.
func (s Socket) Check() error {
	switch s.Network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
		return checkPort(s.Network[:3], s.Address)
	case "unix", "unixgram":
		switch {
		case s.Address == "":
			return errors.New(`a unix socket needs a path, as in "unix:/run/app.sock"`)
		case len(s.Address) > maxPath:
			return fmt.Errorf("unix path %q has %d bytes: at most %d fit into a socket address", s.Address, len(s.Address), maxPath)
		}
	case "fd", "fdgram":
		if s.Address == "" {
			return errors.New(`an inherited socket needs its name, as in "fd:http" (FileDescriptorName= in systemd.socket)`)
		}
	default:
		return fmt.Errorf("unknown network %q: want tcp, tcp4, tcp6, unix or fd, or for datagrams udp, udp4, udp6, unixgram or fdgram", s.Network)
	}
	if s.Mode&^fs.ModePerm != 0 {
		return fmt.Errorf("mode %v: only permission bits can be set", s.Mode)
	}
	return nil
}

func checkPort(network, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf(`address %q: want host:port, as in "127.0.0.1:8888" or ":8888": %w`, address, err)
	}
	if _, err := net.LookupPort(network, port); err != nil {
		return fmt.Errorf("address %q: port %q is neither a number up to 65535 nor a known service", address, port)
	}
	return nil
}

// Listen opens the socket. It is left to be inherited or closed by the caller;
// a unix socket's file stays when it is closed, see Remove.
//
// Multipath TCP, which Go would use, is off: a socket that several processes
// share should behave the same on every kernel, and time-outs of accept do not
// work with it.
func (s Socket) Listen(ctx context.Context) (net.Listener, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	var ln net.Listener
	var err error
	switch s.Network {
	case "udp", "udp4", "udp6", "unixgram", "fdgram":
		return nil, fmt.Errorf("listen on %s: a socket for datagrams takes no connections", s.Address)
	case "fd":
		var fd int
		if fd, err = inherited(s.Address, false); err == nil {
			ln, err = FromDescriptor(fd)
		}
	case "unix":
		ln, err = listenUnix(ctx, s.Address, s.Mode)
	default:
		var config net.ListenConfig
		config.SetMultipathTCP(false)
		ln, err = config.Listen(ctx, s.Network, s.Address)
	}
	if err != nil {
		return nil, explain(s, err)
	}
	if err := setBacklog(ln, cmp.Or(s.Backlog, DefaultBacklog)); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("listen on %s: %w", s.Address, err)
	}
	boundUnsent(ln)
	return ln, nil
}

// listenUnix replaces the file of a dead server and refuses to take a live
// one's place.
func listenUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if err := removeStale(ctx, "unix", path); err != nil {
		return nil, err
	}
	config := restricted(mode)
	ln, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if mode != 0 {
		err = os.Chmod(path, mode) // gives back what the umask has taken
	}
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	return ln, nil
}

// restricted has unix sockets made with a mode, unless that is 0.
func restricted(mode fs.FileMode) net.ListenConfig {
	return net.ListenConfig{Control: func(_, _ string, socket syscall.RawConn) error {
		if mode == 0 {
			return nil
		}
		return restrict(socket, mode)
	}}
}

var (
	errLive      = errors.New("another process serves on it")
	errNotSocket = errors.New("there is a file that is not a socket")
)

func removeStale(ctx context.Context, network, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errNotSocket
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, network, path)
	if err == nil {
		_ = conn.Close()
		return errLive
	}
	if !refused(err) {
		return err // its owner forbids asking, or is too busy to answer
	}
	return os.Remove(path)
}

// Remove takes away the file of a unix socket.
func (s Socket) Remove() {
	if s.Network == "unix" || s.Network == "unixgram" {
		_ = os.Remove(s.Address) // somebody may have been tidier
	}
}

// explain adds what to do about the errors that people meet.
func explain(s Socket, err error) error {
	hint := ""
	switch {
	case inUse(err):
		hint = ": stop the process that listens there, or choose another address"
	case errors.Is(err, fs.ErrPermission) && strings.HasPrefix(s.Network, "unix"):
		hint = ": this user may not create or replace that file"
	case errors.Is(err, fs.ErrPermission):
		hint = ": ports below 1024 need root, CAP_NET_BIND_SERVICE or a socket from systemd"
	}
	return fmt.Errorf("listen on %s: %w%s", s.Address, err, hint)
}
