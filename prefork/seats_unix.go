//go:build linux || darwin

package prefork

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/turns"
)

// seats is the memory in which workers see whose turn it is. All of them can
// write to all of it: what stands there decides how long a worker waits for
// another, at most a moment, and nothing else.
type seats struct {
	fd    int
	mem   []byte
	board *turns.Board
}

func newSeats() (*seats, error) {
	fd, err := sharedMemory("board", int64(turns.Size))
	if err != nil {
		return nil, err
	}
	s := &seats{fd: fd}
	if s.mem, err = unix.Mmap(fd, 0, turns.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("mmap", err)
	}
	s.board, err = turns.On(s.mem)
	return s, err
}

func (s *seats) close() {
	_ = unix.Munmap(s.mem)
	_ = unix.Close(s.fd)
}
