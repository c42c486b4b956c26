package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/turns"
)

// The descriptors of a worker.
const (
	socketFD = 3
	boardFD  = 4
)

// ways are those of accepting.
func ways() map[string]func(number int) (net.Listener, error) {
	return map[string]func(int) (net.Listener, error){
		"poller":   func(int) (net.Listener, error) { return bind.FromDescriptor(socketFD) },
		"yield":    newYielding,
		"turns":    newTurns,
		"blocking": newBlocking,
		"rotate":   newRotating,
	}
}

func names() []string { return slices.Sorted(maps.Keys(ways())) }

// work serves until SIGTERM, and then says how many connections it has taken
// and how much CPU time that took.
func work(way string, number int) error {
	runtime.GOMAXPROCS(2)
	open, ok := ways()[way]
	if !ok {
		return fmt.Errorf("no way %q, of %q", way, names())
	}
	ln, err := open(number)
	if err != nil {
		return err
	}
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	counted := &counting{Listener: ln}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Hello, world!")
	})}
	go func() { fmt.Fprintln(os.Stderr, server.Serve(counted)) }()
	before := cpuTime()
	fmt.Println("ready")
	<-terminate
	fmt.Println(counted.n.Load(), int64(cpuTime()-before))
	select {} // until it is killed
}

func cpuTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type counting struct {
	net.Listener
	n atomic.Int64
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

func newTurns(number int) (net.Listener, error) {
	ln, err := bind.FromDescriptor(socketFD)
	if err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(boardFD, 0, turns.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	board, err := turns.On(mem)
	if err != nil {
		return nil, err
	}
	return turns.NewListener(ln, board.Seat(number))
}

// yielding lets other goroutines run before it accepts again.
type yielding struct{ net.Listener }

func newYielding(int) (net.Listener, error) {
	ln, err := bind.FromDescriptor(socketFD)
	return yielding{ln}, err
}

func (y yielding) Accept() (net.Conn, error) {
	runtime.Gosched()
	return y.Listener.Accept()
}
