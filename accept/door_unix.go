//go:build unix

package accept

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// door refuses connections with a handful of system calls each, without making
// a net.Conn of them. It is worked by whoever accepts, while nobody is wanted.
//
// It waits for the socket by a descriptor of its own, since the one of the
// listener cannot be waited for without accepting.
type door struct {
	file   *os.File
	raw    syscall.RawConn
	guests []guest
	came   bool // somebody, when it last looked
	buffer [enough]byte
}

// guest is a connection that has been accepted, and has not said yet what it
// wants.
type guest struct {
	fd    int
	since time.Time
}

const (
	maxGuests = 128
	polling   = time.Millisecond      // between two looks at the guests
	patience  = 20 * time.Millisecond // with a guest; the server's is longer
	leaving   = time.Millisecond      // of a connection to the siblings
)

// newDoor returns nil if ln has no socket.
func newDoor(ln net.Listener) *door {
	socket, ok := ln.(syscall.Conn)
	if !ok {
		return nil
	}
	listening, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	fd := -1
	outer := listening.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if outer != nil || err != nil {
		return nil
	}
	d := &door{file: os.NewFile(uintptr(fd), "listener")} // leaves it non-blocking
	if d.raw, err = d.file.SyscallConn(); err != nil || d.file.SetReadDeadline(time.Time{}) != nil {
		_ = d.file.Close()
		return nil
	}
	return d
}

func (d *door) close() {
	if d != nil {
		_ = d.file.Close()
	}
}

// work refuses those that come, and returns now and then, so that the caller
// looks whether somebody is wanted again.
func (d *door) work(q *Queue) error {
	if err := d.await(q); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	now := time.Now()
	d.guests = slices.DeleteFunc(d.guests, func(g guest) bool { return d.attend(q, g, now) })
	return nil
}

// await takes in who comes, for as long as nobody is wanted. As long as some
// come, it looks for them at intervals: to be woken for each of them would take
// as much of the CPU again as to refuse them.
func (d *door) await(q *Queue) error {
	if len(d.guests) >= maxGuests || d.came && !q.limits.Group.Siblings {
		time.Sleep(polling)
	}
	end := time.Time{}
	if q.Waiting() > 0 {
		end = time.Now().Add(polling)
	} else if until := q.held.Load(); until > 0 {
		end = time.Unix(0, until)
	}
	_ = d.file.SetReadDeadline(end) // fails when closed, which Read says too
	if q.limits.Group.Siblings {
		if err := d.leaveToSiblings(q); err != nil {
			return err
		}
	}
	var failed error
	err := d.raw.Read(func(fd uintptr) bool {
		before := len(d.guests)
		for failed == nil && q.shut() && len(d.guests) < maxGuests {
			own, err := d.accept(int(fd))
			switch {
			case errors.Is(err, unix.EAGAIN):
				return d.came || len(d.guests) > before || q.limits.Group.Siblings // else somebody will come
			case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			case err != nil:
				failed = os.NewSyscallError("accept4", err)
			default:
				d.guests = append(d.guests, guest{own, time.Now()})
				q.note(1)
			}
		}
		return true
	})
	d.came = len(d.guests) > 0
	return cmp.Or(failed, err)
}

// leaveToSiblings waits for a connection, and then for a moment in which another
// process may take it, or longer if one has room: it may be slow to wake up.
func (d *door) leaveToSiblings(q *Queue) error {
	there := false
	err := d.raw.Read(func(fd uintptr) bool {
		if !q.shut() {
			return true
		}
		there = readable(fd)
		return there
	})
	for begun := time.Now(); err == nil && there && q.shut(); {
		time.Sleep(leaving)
		if time.Since(begun) >= patience || !q.limits.Group.Spare() {
			break // nobody else has room, or has come
		}
		err = d.raw.Control(func(fd uintptr) { there = readable(fd) })
	}
	return err
}

func readable(fd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0 || err != nil
}

// attend refuses a guest that has said what it wants, has its server answer it
// if that is better, and says whether it is done with it.
func (d *door) attend(q *Queue, g guest, now time.Time) bool {
	n, _, err := unix.Recvfrom(g.fd, d.buffer[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	age := now.Sub(g.since)
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN) && age < patience:
		return false
	case errors.Is(err, unix.EAGAIN):
		d.pass(q, g)
		return true
	case err != nil || n == 0: // it has gone
		_ = unix.Close(g.fd)
		q.note(-1)
		return true
	}
	answer := q.limits.Refusal(d.buffer[:n])
	switch {
	case answer == nil && age < patience && unfinished(d.buffer[:n]):
		return false
	case answer == nil:
		d.pass(q, g)
		return true
	}
	d.readAll(g.fd)
	_, _ = unix.Write(g.fd, answer) // a new socket has room for it
	_ = unix.Close(g.fd)
	q.note(-1)
	q.account.refuse(q.event(Busy, nil, age))
	return true
}

// readAll takes what has come, up to a bound: with something unread, closing would
// take the answer back.
func (d *door) readAll(fd int) {
	for range most / len(d.buffer) {
		if n, _, err := unix.Recvfrom(fd, d.buffer[:], unix.MSG_DONTWAIT); n < len(d.buffer) || err != nil {
			return
		}
	}
}

// handOn has the one who has been here for longest served, and says whether
// there was one.
func (d *door) handOn(q *Queue) bool {
	if d == nil || len(d.guests) == 0 {
		return false
	}
	d.pass(q, d.guests[0])
	d.guests = d.guests[1:]
	return true
}

// pass makes a net.Conn of a guest, which the next Accept gives out.
func (d *door) pass(q *Queue, g guest) {
	q.note(-1)
	file := os.NewFile(uintptr(g.fd), "connection")
	defer file.Close()
	c, err := net.FileConn(file)
	if err != nil {
		q.account.log.Error("a connection is lost", "error", fmt.Errorf("accept: %w", err))
		return
	}
	q.push(waiter{conn: c, since: g.since, fresh: true})
}
