//go:build linux || darwin

package control

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// receiver reads from conn and keeps the descriptors that come along.
type receiver struct {
	conn        *net.UnixConn
	descriptors []int
}

func (r *receiver) Read(p []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(maxDescriptors*4))
	n, oobn, _, _, err := r.conn.ReadMsgUnix(p, oob)
	if oobn > 0 {
		r.keep(oob[:oobn])
	}
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return max(n, 0), err
}

// maxDescriptors is the most that the kernel passes at once (SCM_MAX_FD).
const maxDescriptors = 253

func (r *receiver) keep(oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
		}
		r.descriptors = append(r.descriptors, fds...)
	}
}

func rights(descriptors []int) []byte { return unix.UnixRights(descriptors...) }

func closeAll(descriptors []int) {
	for _, fd := range descriptors {
		_ = unix.Close(fd)
	}
}

// Admit refuses a client that is neither root nor this process's user, and
// returns the pid of one that is.
func Admit(conn *net.UnixConn) (pid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	uid := -1
	outer := raw.Control(func(fd uintptr) { uid, pid, err = credentials(int(fd)) })
	switch {
	case outer != nil:
		return 0, outer
	case err != nil:
		return 0, os.NewSyscallError("peer credentials", err)
	case uid != 0 && uid != syscall.Geteuid():
		return 0, fmt.Errorf("user %d may not ask: only root and user %d", uid, syscall.Geteuid())
	}
	return pid, nil
}
