//go:build unix

package bind

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstInherited is SD_LISTEN_FDS_START of sd_listen_fds(3).
const firstInherited = 3

// inherited finds the socket that systemd, or whoever speaks the protocol of
// sd_listen_fds(3), has passed under a name. The descriptor stays open, so that
// it can be asked for again; none of them goes on to children.
func inherited(name string, datagrams bool) (int, error) {
	if pid, err := strconv.Atoi(os.Getenv("LISTEN_PID")); err != nil || pid != os.Getpid() {
		return -1, fmt.Errorf("no socket has been inherited: start this program from a systemd.socket unit with FileDescriptorName=%s", name)
	}
	count, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || count < 1 {
		return -1, fmt.Errorf("LISTEN_FDS is %q: want the number of inherited sockets", os.Getenv("LISTEN_FDS"))
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	found := -1
	for i := range min(count, len(names)) {
		unix.CloseOnExec(firstInherited + i)
		if names[i] == name && found < 0 {
			found = firstInherited + i
		}
	}
	if found < 0 {
		return -1, fmt.Errorf("no inherited socket is named %q: there are %q", name, names)
	}
	kind, err := unix.GetsockoptInt(found, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case err != nil:
		return -1, fmt.Errorf("inherited %q: %w", name, os.NewSyscallError("getsockopt", err))
	case datagrams && kind != unix.SOCK_DGRAM:
		return -1, fmt.Errorf("inherited socket %q carries no datagrams: want ListenDatagram= in its systemd.socket unit", name)
	case !datagrams && kind != unix.SOCK_STREAM:
		return -1, fmt.Errorf("inherited socket %q takes no connections: want ListenStream= in its systemd.socket unit", name)
	}
	return found, nil
}

// restrict has the file of a unix socket made with mode, so that there is no
// moment in which more can connect. Linux gives the file the mode that the
// socket has, less the umask; other systems ignore it.
func restrict(socket syscall.RawConn, mode fs.FileMode) error {
	return socket.Control(func(fd uintptr) {
		_ = unix.Fchmod(int(fd), uint32(mode.Perm())) // an error where sockets have no mode
	})
}

// FromDescriptor returns a listener on a copy of fd, which stays the caller's.
// Every process that shares the socket must find it non-blocking, or it hangs
// in accept; so that is where it is set, and nothing here takes it back.
func FromDescriptor(fd int) (net.Listener, error) {
	file, err := copied(fd)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FileListener(file)
}

// PacketFromDescriptor is FromDescriptor for datagrams.
func PacketFromDescriptor(fd int) (net.PacketConn, error) {
	file, err := copied(fd)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FilePacketConn(file)
}

// copied is a copy of fd, non-blocking. A File made of a descriptor that is
// non-blocking already leaves it so.
func copied(fd int) (*os.File, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	if err := unix.SetNonblock(own, true); err != nil {
		_ = unix.Close(own)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(own), "socket"), nil
}

// Descriptor returns a copy of the descriptor of a listener or net.PacketConn,
// closed on exec, which is the caller's to close. Unlike their methods File it
// does not turn the socket blocking.
func Descriptor(open any) (int, error) {
	socket, ok := open.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("bind: %T has no descriptor", open)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	outer := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(outer, err)
}

// setBacklog calls listen(2) once more, which changes the length of the queue.
func setBacklog(ln net.Listener, backlog int) error {
	socket, ok := ln.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	outer := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), backlog) })
	return errors.Join(outer, err)
}

func refused(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }

func inUse(err error) bool { return errors.Is(err, unix.EADDRINUSE) }
