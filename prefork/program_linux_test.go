package prefork_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/prefork"
)

// programVariable makes the test binary a program instead of tests.
const programVariable = "PREFORK_TEST_PROGRAM"

func TestMain(m *testing.M) {
	text := os.Getenv(programVariable)
	if text == "" {
		flag.Parse()
		if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) { // nobody has said otherwise
			_ = flag.Set("test.parallel", "6") // they mostly wait
		}
		os.Exit(m.Run())
	}
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := superviseOrWork(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The numbers that link and ledger have in a child.
const (
	linkDescriptor   = 3
	ledgerDescriptor = 4
)

func superviseOrWork(s settings) error {
	if !prefork.IsChild() {
		return supervise(s)
	}
	manner, _ := os.ReadFile(s.Manner) // none: good manners
	c := &child{settings: s, manner: string(manner)}
	if c.manner == "exit" {
		os.Exit(7)
	}
	c.link = copyOf(linkDescriptor)
	c.ledger = copyOf(ledgerDescriptor)
	if c.manner == "drains" {
		c.say(`{"drains":"I do not want to"}`)
		os.Exit(0)
	}
	if c.manner == "failures" {
		c.say(strings.Repeat(`{"failed":"`+strings.Repeat("<", 200<<10)+`"}`+"\n", 100))
		os.Exit(7)
	}
	if c.manner == "flood" {
		for range floodMiB * 5 {
			c.say(`{"failed":"` + strings.Repeat("x", 200<<10) + `"}`)
		}
	}
	if c.manner == "pongs" {
		c.say(strings.Repeat(`{"pong":true}`+"\n", 1e5))
	}
	w, err := prefork.Inherited(slog.Default())
	if err != nil {
		return err
	}
	c.worker = w
	return c.work()
}

func supervise(s settings) error {
	sup := &prefork.Supervisor{
		Name: "test", Workers: s.Workers, Helpers: s.Helpers, Dir: s.Dir, Limits: s.Limits,
		Sockets: []prefork.Socket{socket(s.Addr)},
	}
	if s.Capture {
		flood := new(atomic.Int64)
		sup.Output = relay(flood)
		defer func() { fmt.Fprintf(os.Stderr, "%d lines of a flood\n", flood.Load()) }()
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range signals {
			switch {
			case s == syscall.SIGHUP:
				go func() { fmt.Fprintln(os.Stderr, "reload:", sup.Reload(context.Background())) }()
			case s == syscall.SIGUSR1:
				debug.FreeOSMemory()
				fmt.Fprintf(os.Stderr, "goroutines: %d.\n", runtime.NumGoroutine())
			case s == syscall.SIGUSR2:
				fmt.Fprintln(os.Stderr, "marks raised:", sup.SetCycling(context.Background(), prefork.Cycling{Memory: 1 << 30}))
			case ctx.Err() != nil:
				go func() { _ = sup.Kill(context.Background()) }()
			default:
				cancel(fmt.Errorf("%v", s))
			}
		}
	}()
	return sup.Run(ctx)
}

// relay returns what writes lines on with what is known of them. Those of a flood it
// counts.
func relay(flood *atomic.Int64) func(prefork.Line) {
	return func(l prefork.Line) {
		if bytes.HasPrefix(l.Text, []byte("flood")) {
			flood.Add(1)
			return
		}
		fmt.Fprintf(os.Stdout, "[%s %d %v over=%v] %.100s\n", l.Role, l.PID, l.Err, l.Over, l.Text)
	}
}

// child is a worker or helper of the test program.
type child struct {
	settings
	manner string
	worker *prefork.Worker
	kept   [][]byte   // what it leaks
	files  []*os.File // the same
	link   int
	ledger int
}

func copyOf(fd int) int {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 100)
	if err != nil {
		fmt.Fprintln(os.Stderr, "dup:", err)
		os.Exit(3)
	}
	return own
}

// say writes on the link, past the Worker. The link does not block.
func (c *child) say(line string) {
	rest := []byte(strings.TrimSpace(line) + "\n")
	for len(rest) > 0 {
		n, err := unix.Write(c.link, rest)
		switch {
		case err == unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(c.link), Events: unix.POLLOUT}}, -1)
		case err != nil:
			return
		default:
			rest = rest[n:]
		}
	}
}

func (c *child) work() error {
	switch c.manner {
	case "fail":
		err := fmt.Errorf("told to fail")
		c.worker.Failed(err)
		return err
	case "slow": // until it is told to be fast
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for c.manner == "slow" {
			<-tick.C
			text, _ := os.ReadFile(c.Manner)
			c.manner = string(text)
		}
	case "never":
		select {}
	}
	if c.worker.Role() == prefork.WorkerRole {
		ln, err := c.worker.Listener("web")
		if err != nil {
			return err
		}
		if c.manner != "aloof" {
			go c.serve(ln)
		}
		defer ln.Close()
	}
	c.worker.Ready()
	if c.manner == "deaf" {
		select {}
	}
	<-c.worker.Orders()
	c.worker.LetGo()
	return nil
}

func (c *child) serve(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			question, err := bufio.NewReader(conn).ReadString('\n')
			if err == nil {
				fmt.Fprintln(conn, c.answer(strings.Fields(question)))
			}
		}()
	}
}

func (c *child) answer(question []string) string {
	switch question[0] {
	case "pid":
		return fmt.Sprint(os.Getpid())
	case "procs":
		return fmt.Sprint(runtime.GOMAXPROCS(0))
	case "memory":
		return fmt.Sprint(debug.SetMemoryLimit(-1))
	case "secret":
		secret := c.worker.Secret()
		return fmt.Sprintf("%x", secret[:])
	case "file":
		link, _ := os.Readlink("/proc/self/exe")
		return link
	case "run": // and answer what it prints
		out, err := exec.Command(question[1], question[2:]...).CombinedOutput()
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(out))
	case "start": // and forget
		if err := exec.Command(question[1], question[2:]...).Start(); err != nil {
			return err.Error()
		}
		return fmt.Sprint(os.Getpid())
	case "say": // a text on standard output or error, without an end of the line
		fmt.Fprint(map[string]*os.File{"out": os.Stdout, "err": os.Stderr}[question[1]], strings.Join(question[2:], " "))
	case "end": // the line
		fmt.Fprintln(os.Stdout)
	case "flood": // of a GiB
		line := []byte(strings.Repeat("flood"+strings.Repeat(".", 1018)+"\n", 64))
		for range floodLines / 64 {
			_, _ = os.Stderr.Write(line)
		}
	case "complain":
		fmt.Fprintln(os.Stderr, "complaint")
	case "chat": // more than a pipe holds
		for i := range 5000 {
			fmt.Fprintf(os.Stderr, "%d chats, line %d of 5000\n", os.Getpid(), i+1)
		}
	case "exit":
		os.Exit(9)
	case "panic":
		panic("told to panic")
	case "leak": // so many MiB
		n, _ := strconv.Atoi(question[1])
		for range n {
			c.kept = append(c.kept, bytes.Repeat([]byte{1}, 1<<20))
		}
	case "full":
		c.worker.Full(true)
	case "open": // so many files
		n, _ := strconv.Atoi(question[1])
		for range n {
			f, err := os.Open(os.DevNull)
			if err != nil {
				return err.Error()
			}
			c.files = append(c.files, f)
		}
	case "hang": // with a request running
		c.worker.Ledger().Begin()
		select {}
	case "tell": // the supervisor, any line
		c.say(strings.Join(question[1:], " "))
	case "block": // what must never be done to a shared socket
		for fd := ledgerDescriptor; fd < 20; fd++ {
			if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listens == 1 {
				_ = unix.SetNonblock(fd, false)
			}
		}
	case "close":
		_ = unix.Shutdown(c.link, unix.SHUT_RDWR)
	case "garbage":
		go c.say(strings.Repeat("garbage ", 50<<17))
	case "scribble":
		return c.scribble()
	}
	return fmt.Sprint(os.Getpid())
}

// floodLines are a GiB.
const floodLines = 1 << 20

// scribble fills the ledger with what does not belong there.
func (c *child) scribble() string {
	mem, err := unix.Mmap(c.ledger, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err.Error()
	}
	for i := range mem {
		mem[i] = byte(i*7 + 13)
	}
	return fmt.Sprint(os.Getpid())
}
