//go:build unix

package turns

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Listener accepts when it is its turn. Its methods may be called by any
// number of goroutines.
type Listener struct {
	net.Listener
	seat    *Seat
	file    *os.File // the same socket, to wait at without accepting
	gate    syscall.RawConn
	closing sync.Once
}

// NewListener has the connections of ln taken in turn with those who have
// other seats at the board. Closing it closes ln.
//
// ln, once waited on, accepts whatever comes, be it its turn or not. So whoever
// is ahead waits at a second descriptor of the socket.
func NewListener(ln net.Listener, s *Seat) (*Listener, error) {
	socket, ok := ln.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("turns: %T has no descriptor", ln)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	outer := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(outer, err); err != nil {
		return nil, fmt.Errorf("turns: %w", err)
	}
	l := &Listener{Listener: ln, seat: s, file: os.NewFile(uintptr(fd), "gate")}
	if l.gate, err = l.file.SyscallConn(); err != nil {
		_ = l.file.Close()
		return nil, err
	}
	s.join()
	return l, nil
}

// Accept waits for the next connection that is this worker's to take.
func (l *Listener) Accept() (net.Conn, error) {
	for l.seat.ahead() && !l.await() {
	}
	c, err := l.Listener.Accept()
	if err == nil {
		l.seat.took()
	}
	return c, err
}

// await waits until a connection has arrived, leaves it to the siblings for a
// moment, and says whether to take it after all, or there is nothing to wait
// for.
func (l *Listener) await() (take bool) {
	looked := false
	err := l.gate.Read(func(fd uintptr) bool {
		if looked {
			return true // it is asked again when one has come
		}
		looked = true
		return readable(fd)
	})
	if err != nil {
		return true // it is closed, as Accept will find
	}
	invited := l.seat.invited()
	if len(invited) == 0 {
		return true
	}
	time.Sleep(moment)
	if l.seat.came(invited) {
		return false
	}
	waiting := true
	err = l.gate.Control(func(fd uintptr) { waiting = readable(fd) })
	if err != nil || !waiting {
		return err != nil
	}
	l.seat.waitedInVain(invited)
	return true
}

func readable(fd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0 || err != nil
}

// SyscallConn gives access to the socket.
func (l *Listener) SyscallConn() (syscall.RawConn, error) {
	return l.Listener.(syscall.Conn).SyscallConn()
}

// Close ends accepting, and this listener's part in the turns.
func (l *Listener) Close() error {
	l.closing.Do(func() {
		l.seat.leave()
		_ = l.file.Close()
	})
	return l.Listener.Close()
}
