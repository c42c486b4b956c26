package main

import (
	"errors"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// threaded is a listener whose connections come from a thread of its own.
type threaded struct {
	conns chan net.Conn
}

func (t *threaded) Accept() (net.Conn, error) { return <-t.conns, nil }
func (t *threaded) Close() error              { return nil }
func (t *threaded) Addr() net.Addr            { return &net.TCPAddr{} }

// newBlocking sleeps in accept.
func newBlocking(int) (net.Listener, error) {
	if err := unix.SetNonblock(socketFD, false); err != nil {
		return nil, err
	}
	t := &threaded{conns: make(chan net.Conn)}
	go func() {
		runtime.LockOSThread()
		for {
			if err := t.accept(); err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
	return t, nil
}

func (t *threaded) accept() error {
	fd, _, err := unix.Accept4(socketFD, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err == nil {
		t.conns <- conn
	}
	return err
}

// newRotating sleeps in epoll_wait, where the kernel wakes one process only, and
// after each connection goes to the end of the line of those that wait.
func newRotating(int) (net.Listener, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	line := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLEXCLUSIVE}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, socketFD, &line); err != nil {
		return nil, err
	}
	t := &threaded{conns: make(chan net.Conn)}
	go func() {
		runtime.LockOSThread()
		events := make([]unix.EpollEvent, 1)
		for {
			if n, err := unix.EpollWait(epoll, events, -1); err != nil || n == 0 {
				continue
			}
			_ = t.accept() // a sibling may have been quicker
			_ = unix.EpollCtl(epoll, unix.EPOLL_CTL_DEL, socketFD, nil)
			_ = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, socketFD, &line)
		}
	}()
	return t, nil
}
