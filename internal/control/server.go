package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// maxPath is the longest path that fits into a sockaddr_un on every system
// that we run on, its closing zero taken off.
const maxPath = 103

// Listen binds path, which must lie in a directory that only this user can
// write to, and replaces a socket that a dead process has left there. The
// socket appears under its name only when it is ready, with mode 0600.
func Listen(path string) (*net.UnixListener, error) {
	if len(path) > maxPath { // it could be given its name, and then nobody could connect to it
		return nil, fmt.Errorf("control: path %s has %d bytes: at most %d fit into a socket address", path, len(path), maxPath)
	}
	fresh := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%d", os.Getpid()))
	_ = os.Remove(fresh) // left by a dead process that had our number
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	ln.SetUnlinkOnClose(false) // by then it has another name; the owner removes it
	err = os.Chmod(fresh, 0o600)
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = ln.Close()
		_ = os.Remove(fresh)
		return nil, fmt.Errorf("control: %w", err)
	}
	return ln, nil
}

// Serve answers the clients of ln until ctx ends, closes ln and returns when
// the last of them is gone.
func Serve(ctx context.Context, ln *net.UnixListener, handler Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel()
	places := make(chan struct{}, MaxClients)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		conn, err := ln.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			<-places
			if pause(ctx, err) {
				continue
			}
			return fmt.Errorf("control: %w", err)
		}
		clients.Go(func() {
			defer func() { <-places }()
			if _, err := Admit(conn); err != nil {
				_ = writeLine(conn, reply{Error: err.Error()}, nil)
				_ = conn.Close()
				return
			}
			serveConn(ctx, conn, handler, ReadTimeout)
		})
	}
}

// pause waits a little when there are no descriptors left, which passes.
func pause(ctx context.Context, err error) bool {
	var passing interface{ Temporary() bool }
	if !errors.As(err, &passing) || !passing.Temporary() {
		return false
	}
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
	}
	return true
}

// ServeConn answers the questions that come over conn, one after another and
// however far apart, until the client closes it or ctx ends. Then it closes
// conn.
func ServeConn(ctx context.Context, conn *net.UnixConn, handler Handler) {
	serveConn(ctx, conn, handler, 0)
}

// serveConn waits no longer than patience for a question, if that is above 0.
func serveConn(ctx context.Context, conn *net.UnixConn, handler Handler, patience time.Duration) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	r := bufio.NewReader(conn)
	for {
		if patience > 0 {
			_ = conn.SetReadDeadline(time.Now().Add(patience))
		}
		request, err := readRequest(r)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = writeLine(conn, reply{Error: err.Error()}, nil)
			}
			return
		}
		_ = conn.SetReadDeadline(time.Time{})
		if err := answer(ctx, conn, request, handler); err != nil {
			return
		}
	}
}

func readRequest(r *bufio.Reader) (Request, error) {
	var request Request
	line, err := readLine(r)
	if err != nil {
		return request, err
	}
	if err := json.Unmarshal(line, &request); err != nil {
		return request, fmt.Errorf(`want a line like {"do":"status"}: %w`, err)
	}
	return request, nil
}

func answer(ctx context.Context, conn *net.UnixConn, request Request, handler Handler) error {
	a, err := handler(ctx, request)
	var out reply
	if err == nil {
		out.Value, err = json.Marshal(a.Value)
	}
	if err != nil {
		out = reply{Error: err.Error()}
		a.Descriptors = nil
	}
	_ = conn.SetWriteDeadline(time.Now().Add(ReadTimeout))
	return writeLine(conn, out, a.Descriptors)
}
