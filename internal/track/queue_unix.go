//go:build unix

package track

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// awaitEmptyQueue returns when neither the kernel nor below holds a connection,
// or when ln has been closed, by somebody who serves on it and was told to stop.
func awaitEmptyQueue(ctx context.Context, ln net.Listener, below func() int) error {
	socket, ok := ln.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("track: look at the accept queue: %w", err)
	}
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		waiting, err := readable(raw)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil, !waiting && below() == 0:
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// readable asks poll(2), which for a listening socket means a connection to
// accept.
func readable(raw syscall.RawConn) (waiting bool, err error) {
	outer := raw.Control(func(fd uintptr) {
		n := 0
		for again := true; again; again = errors.Is(err, unix.EINTR) {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		}
		waiting = n > 0
	})
	return waiting, errors.Join(outer, err)
}
