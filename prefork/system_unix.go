//go:build linux || darwin

package prefork

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/internal/ledger"
)

// launcher starts processes for a supervisor.
type launcher struct {
	args   []string
	dir    string
	limits Limits
	share  share
	secret [16]byte
	run    [8]byte         // tells what our workers have started from what others' have
	answer control.Handler // of what helpers ask
	reaper *reaper         // in process 1, else nil
	seats  *seats
	output func(Line) // nil if processes write where we do
}

func newSystem(s *Supervisor, dir string, limits Limits, share share, closing <-chan struct{}) (system, error) {
	keepDescriptors()
	seats, err := newSeats()
	if err != nil {
		return system{}, err
	}
	l := &launcher{
		args: s.args(), dir: dir, limits: limits, share: share, answer: s.answer, seats: seats, output: s.Output,
	}
	rand.Read(l.secret[:])
	rand.Read(l.run[:])
	if os.Getpid() == 1 {
		l.reaper = newReaper(closing)
	}
	return system{
		spawn: l.spawn, look: look, weigh: weigh, turns: seats.board.Turns, waits: waits,
		mend: mend, refuse: refuse, close: closeSockets, notify: notify, end: seats.close,
	}, nil
}

// keepDescriptors has no child inherit what this process has inherited itself,
// beyond the standard three: who opened that cannot know of our children, and
// may wait for it to be closed.
func keepDescriptors() {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // of a system without it, or of descriptors
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= firstDescriptor {
			unix.CloseOnExec(fd)
		}
	}
}

// firstDescriptor is the link's number in a child, after the standard three.
const firstDescriptor = 3

// spawn starts p: this program's own file, whatever now lies under its name.
func (l *launcher) spawn(s *State, p Process) (*child, error) {
	h := &handover{
		Name: s.Name, Role: p.Role, Slot: p.Slot, Serial: p.Serial, Generation: p.Generation,
		Supervisor: s.PID, Dir: l.dir, Orphan: l.limits.Orphan, Secret: l.secret[:],
		Seat: p.Seat,
	}
	h.Procs, h.MemoryLimit = l.share.of(p.Role, s.Workers, s.Cycling.Memory)
	g, err := pack(h, s.Sockets, l.seats.fd, l.output != nil)
	if err != nil {
		return nil, err
	}
	defer g.theirs.close()
	defer l.reaper.hold()()
	pid, _, err := syscall.StartProcess(ownProgram(), l.args, &syscall.ProcAttr{
		Env:   append(childEnviron(), fmt.Sprintf("%s=%d", linkVariable, firstDescriptor), l.mark(p.Serial)),
		Files: g.files,
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		g.unpack()
		return nil, os.NewSyscallError("start process", err)
	}
	return l.attach(h, pid, g)
}

// mark is a variable that all have in their environment which the process with a
// serial starts, directly or not.
func (l *launcher) mark(serial int) string {
	return fmt.Sprintf("%s=%x.%d", markVariable, l.run, serial)
}

// luggage is what a child is given, and what its supervisor keeps of it.
type luggage struct {
	files  []uintptr   // of the child, by number
	theirs descriptors // to be closed here once the child has them

	link      int // our end
	ledger    int
	output    int
	questions int // our end of what helpers ask over; -1 for workers
	streams   *streams
	mem       []byte
	page      *ledger.Page
}

// pack opens what a child needs and enters the numbers in its handover.
func pack(h *handover, sockets []Bound, board int, capture bool) (_ *luggage, err error) {
	g := &luggage{
		files: []uintptr{0, 1, 2}, link: -1, ledger: -1, output: -1, questions: -1,
		streams: &streams{near: [2]int{-1, -1}},
	}
	defer func() {
		if err != nil {
			g.theirs.close()
			g.unpack()
		}
	}()
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open "+os.DevNull, err)
	}
	g.theirs = append(g.theirs, null)
	g.files[0] = uintptr(null)
	if g.link, _, err = g.pair(); err != nil { // the first, at firstDescriptor
		return nil, err
	}
	if g.ledger, h.Ledger, err = g.memory("ledger", ledger.Size); err != nil {
		return nil, err
	}
	if g.output, h.Output, err = g.memory("output", maxOutput); err != nil {
		return nil, err
	}
	h.Board = g.pass(board)
	if h.Role != WorkerRole {
		if g.questions, h.Control, err = g.pair(); err != nil {
			return nil, err
		}
	}
	for _, b := range sockets {
		if b.Role == h.Role {
			b.Descriptor = g.pass(b.Descriptor)
			h.Sockets = append(h.Sockets, b)
		}
	}
	if capture {
		if err := g.lay(h); err != nil {
			return nil, err
		}
	}
	if g.mem, err = unix.Mmap(g.ledger, 0, ledger.Size, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	g.page, err = ledger.On(g.mem)
	return g, err
}

// pass gives fd to the child and returns the number that it has there.
func (g *luggage) pass(fd int) (number int) {
	g.files = append(g.files, uintptr(fd))
	return len(g.files) - 1
}

// pair makes a connection, one end of which is the child's.
func (g *luggage) pair() (near, number int, err error) {
	near, far, err := socketPair()
	if err != nil {
		return -1, 0, err
	}
	g.theirs = append(g.theirs, far)
	return near, g.pass(far), nil
}

func (g *luggage) memory(name string, size int64) (fd, number int, err error) {
	fd, err = sharedMemory(name, size)
	if err != nil {
		return -1, 0, err
	}
	return fd, g.pass(fd), nil
}

// unpack gives back what the supervisor keeps, but the connections, which
// close themselves.
func (g *luggage) unpack() {
	for _, fd := range []int{g.link, g.ledger, g.output, g.questions} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	g.streams.close()
	if g.mem != nil {
		_ = unix.Munmap(g.mem)
	}
}

// attach makes a child of a process that has been started, or ends it.
func (l *launcher) attach(h *handover, pid int, g *luggage) (_ *child, err error) {
	process, err := os.FindProcess(pid) // by pidfd where there is one: no signal can hit another process
	if err != nil {
		g.unpack() // which the process notices
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	wait := l.reaper.await(process)
	defer func() {
		if err != nil {
			cancel()
			g.unpack()
			send(process, kill)
			go wait() // when the reaper is free again
		}
	}()
	link, err := netConn(g.link)
	g.link = -1
	if err != nil {
		return nil, err
	}
	if g.questions >= 0 {
		questions, err := netConn(g.questions)
		g.questions = -1
		if err != nil {
			return nil, errors.Join(err, link.Close())
		}
		go control.ServeConn(ctx, questions.(*net.UnixConn), l.answer)
	}
	c := &child{
		pid:    pid,
		link:   link,
		page:   g.page,
		signal: func(s hint) { send(process, s) },
		wait: func() Exit {
			exit := wait()
			sweep(l.mark(h.Serial))
			g.streams.finish()
			return exit
		},
		last:   g.streams.last.String,
		output: func() string { return readOutput(g.output) },
		release: func() {
			cancel()
			_ = link.Close()
			g.unpack()
			l.seats.board.Clear(h.Seat)
			removeSockets(h.Dir, pid)
		},
	}
	if l.output != nil {
		g.streams.follow(h, pid, l.output)
	}
	c.hand(h)
	return c, nil
}

// descriptors are open files, to be closed together.
type descriptors []int

func (d descriptors) close() { closeDescriptors(d) }

func socketPair() (near, far int, err error) {
	syscall.ForkLock.RLock() // until both are closed on exec
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, -1, os.NewSyscallError("socketpair", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return fds[0], fds[1], nil
}

// netConn takes fd over.
func netConn(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "link")
	defer file.Close()
	return net.FileConn(file)
}

func send(process *os.Process, s hint) {
	switch s {
	case wake:
		_ = process.Signal(syscall.SIGCONT)
	case dump:
		_ = process.Signal(syscall.SIGQUIT)
	case kill:
		_ = unix.Kill(-process.Pid, syscall.SIGKILL) // with what it has started
		_ = process.Kill()
	}
}

func readOutput(fd int) string {
	buffer := make([]byte, maxOutput)
	n, _ := unix.Pread(fd, buffer, 0)
	return strings.TrimRight(string(buffer[:max(n, 0)]), "\x00")
}

// childEnviron leaves out what the service manager has said to us alone.
func childEnviron() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case strings.HasPrefix(name, "LISTEN_"), strings.HasPrefix(name, "WATCHDOG_"), name == "NOTIFY_SOCKET", name == linkVariable, name == markVariable:
		default:
			env = append(env, v)
		}
	}
	return env
}

// mend sets right what somebody who shares a socket has done to it: in a
// blocking one workers hang in accept, and cannot drain.
func mend(sockets []Bound) (mended []string) {
	for _, b := range sockets {
		if b.Descriptor >= 0 && nonBlocking(b.Descriptor) != nil && unix.SetNonblock(b.Descriptor, true) == nil {
			mended = append(mended, b.Name)
		}
	}
	return mended
}

// waits says whether a connection has come that no worker has taken.
func waits(sockets []Bound) bool {
	var fds []unix.PollFd
	for _, b := range sockets {
		if b.Role == WorkerRole && b.Descriptor >= 0 && !b.Packet() {
			fds = append(fds, unix.PollFd{Fd: int32(b.Descriptor), Events: unix.POLLIN})
		}
	}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// refuse accepts what comes to the workers' sockets and resets it. Nothing is
// written: the client may expect TLS.
func refuse(sockets []Bound) (stop func()) {
	var listeners []net.Listener
	done := make(chan struct{})
	for _, b := range sockets {
		if b.Role != WorkerRole || b.Packet() {
			continue
		}
		ln, err := bind.FromDescriptor(b.Descriptor)
		if err != nil {
			continue // without descriptors there is nothing to refuse with
		}
		listeners = append(listeners, ln)
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				c, err := ln.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					pause(context.Background(), lonelyGrace)
					continue
				}
				if tcp, ok := c.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
				}
				_ = c.Close()
			}
		}()
	}
	return func() {
		for _, ln := range listeners {
			_ = ln.Close()
		}
		for range listeners {
			<-done
		}
	}
}

// notify speaks the protocol of sd_notify(3).
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return // the manager will draw its own conclusions
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

func lockFile(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

func ownedBySelf(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

func ownedByRoot(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}
