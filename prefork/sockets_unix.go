//go:build linux || darwin

package prefork

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/control"
)

// sockets opens what is to be listened on, or takes it over from workers whose
// supervisor has died. After such a death it is patient: a helper may still be
// letting go of its address, and a worker that had just been started may not
// have opened the socket by which it can be asked.
func (s *Supervisor) sockets(ctx context.Context, dir *runtimeDir) (open []Bound, orphans []string, err error) {
	deadline := time.Now().Add(patience)
	for {
		open, orphans, err = s.openAll(ctx, dir)
		if !errors.Is(err, unix.EADDRINUSE) || !dir.crashed || time.Now().After(deadline) || ctx.Err() != nil {
			return open, orphans, err
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// patience is how long whatever a dead supervisor has left may take to let go
// of its address, or to make itself known.
const patience = 2 * time.Second

// openAll opens every socket, or takes it over: for orphans to close it, or for
// us to bind it again, would lose what waits in the kernel's queue. It returns
// the paths of the orphans' own sockets. If anything cannot be had, nothing
// stays open.
func (s *Supervisor) openAll(ctx context.Context, dir *runtimeDir) (open []Bound, orphans []string, err error) {
	left, orphans := adopt(ctx, dir)
	var bound []Socket // and not taken over
	var problems []error
	for _, socket := range s.Sockets {
		if socket.Role == "" {
			socket.Role = WorkerRole
		}
		if b, ok := left[socket.key()]; ok {
			delete(left, socket.key())
			b.Socket = socket
			open = append(open, b)
			continue
		}
		b, err := socket.open(ctx)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		open = append(open, b)
		bound = append(bound, socket)
	}
	for _, b := range left {
		_ = unix.Close(b.Descriptor)
	}
	if len(problems) > 0 {
		closeSockets(open)
		for _, socket := range bound {
			socket.Remove()
		}
		return nil, nil, errors.Join(problems...)
	}
	return open, orphans, nil
}

func (s Socket) key() string { return s.Name + " " + s.Network + " " + s.Address }

func (s Socket) open(ctx context.Context) (Bound, error) {
	if s.Packet() {
		return s.openPacket(ctx)
	}
	ln, err := s.Listen(ctx)
	if err != nil {
		return Bound{}, err
	}
	defer ln.Close()
	fd, err := bind.Descriptor(ln)
	return Bound{Socket: s, Actual: ln.Addr().String(), Descriptor: fd}, err
}

func (s Socket) openPacket(ctx context.Context) (Bound, error) {
	conn, err := s.ListenPacket(ctx)
	if err != nil {
		return Bound{}, err
	}
	defer conn.Close()
	fd, err := bind.Descriptor(conn)
	return Bound{Socket: s, Actual: conn.LocalAddr().String(), Descriptor: fd}, err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// adopt collects the sockets of the workers that a dead supervisor has left in
// dir, and takes away what dead workers have left there.
func adopt(ctx context.Context, dir *runtimeDir) (sockets map[string]Bound, orphans []string) {
	sockets = make(map[string]Bound)
	for _, path := range dir.workers() {
		bounds, fds, err := takeSockets(ctx, path)
		if errors.Is(err, unix.ECONNREFUSED) {
			_ = os.Remove(path) // of a worker that has died
		}
		if err != nil {
			continue
		}
		orphans = append(orphans, path)
		for i, b := range bounds {
			b.Descriptor = fds[i]
			if _, twice := sockets[b.key()]; twice {
				_ = unix.Close(b.Descriptor) // each orphan holds the same sockets
				continue
			}
			sockets[b.key()] = b
		}
	}
	return sockets, orphans
}

// takeSockets asks an orphan for its sockets. It may need a moment to notice
// that it is one.
func takeSockets(ctx context.Context, path string) (bounds []Bound, fds []int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		bounds = nil
		fds, err = control.Ask(ctx, path, control.Request{Do: "sockets"}, &bounds)
		if !errors.Is(err, control.ErrRefused) || ctx.Err() != nil {
			break
		}
		pause(ctx, 10*time.Millisecond)
	}
	if err == nil && len(fds) != len(bounds) {
		closeDescriptors(fds)
		err = fmt.Errorf("%s: %d descriptors for %d sockets", path, len(fds), len(bounds))
	}
	if err != nil {
		return nil, nil, err
	}
	for _, fd := range fds {
		if err := unix.SetNonblock(fd, true); err != nil {
			closeDescriptors(fds)
			return nil, nil, os.NewSyscallError("fcntl", err)
		}
	}
	return bounds, fds, nil
}

// dismiss tells all orphans in dir to drain once ready is closed, until ctx
// ends. It asks again a little later, since a worker that had just been
// started when its supervisor died may not have opened its socket yet. Our own
// workers refuse.
func dismiss(ctx context.Context, dir *runtimeDir, ready <-chan struct{}) {
	select {
	case <-ready:
	case <-ctx.Done():
		return
	}
	for _, later := range []time.Duration{0, time.Second, 5 * time.Second} {
		select {
		case <-time.After(later):
		case <-ctx.Done():
			return
		}
		for _, path := range dir.workers() {
			asking, cancel := context.WithTimeout(ctx, time.Second)
			_, _ = control.Ask(asking, path, control.Request{Do: "drain"}, nil) // it may have gone by itself
			cancel()
		}
	}
}

func closeSockets(sockets []Bound) {
	for i := range sockets {
		if sockets[i].Descriptor >= 0 {
			_ = unix.Close(sockets[i].Descriptor)
			sockets[i].Descriptor = -1
		}
	}
}

func closeDescriptors(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
