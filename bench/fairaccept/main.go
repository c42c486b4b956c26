// Command fairaccept measures how evenly workers that share a listening socket
// are given connections, and what that costs, by the way in which they accept.
//
//	go run ./fairaccept -rounds 3
//
// It starts itself again as workers (net/http with two Ps each, an answer of 13
// bytes, a connection for each request) and as a client in a process of its
// own. All ways take turns in each round. CPU time is that of all workers, user
// and system, by the kernel's account.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/support-go/support/internal/bind"
	"github.com/support-go/support/internal/turns"
)

// plan is what to measure; it goes on to the processes as their flags.
type plan struct {
	workers, conns, rounds int
	ways, clients          string
}

func main() {
	var p plan
	flag.IntVar(&p.workers, "workers", 8, "processes that accept")
	flag.IntVar(&p.conns, "conns", 8000, "connections of each run")
	flag.IntVar(&p.rounds, "rounds", 1, "runs of each way")
	flag.StringVar(&p.ways, "ways", "poller,turns,blocking,rotate", "of accepting, of: "+strings.Join(names(), " "))
	flag.StringVar(&p.clients, "clients", "1,8,64", "at once")
	worker := flag.Int("worker", -1, "be the worker of that number")
	load := flag.String("load", "", "be the client of that `address`")
	flag.Parse()
	var err error
	switch {
	case *worker >= 0:
		err = work(p.ways, *worker)
	case *load != "":
		err = visit(*load, p)
	default:
		err = measure(p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fairaccept:", err)
		os.Exit(1)
	}
}

func measure(p plan) error {
	fmt.Printf("%-9s %7s %8s %9s %9s %8s %8s  %s\n", "way", "clients", "max/min", "conns/s", "us/conn", "p50 us", "p99 us", "connections by worker")
	for range p.rounds {
		for clients := range strings.SplitSeq(p.clients, ",") {
			for way := range strings.SplitSeq(p.ways, ",") {
				one := p
				one.ways, one.clients = way, clients
				if err := run(one); err != nil {
					return fmt.Errorf("%s, %s clients: %w", way, clients, err)
				}
			}
		}
	}
	return nil
}

// run starts workers that accept in one way, and a client.
func run(p plan) error {
	ln, err := bind.Socket{Name: "bench", Network: "tcp", Address: "127.0.0.1:0"}.Listen(context.Background())
	if err != nil {
		return err
	}
	defer ln.Close()
	socket, err := bind.Descriptor(ln)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	board, err := unix.MemfdCreate("board", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(board)
	if err := unix.Ftruncate(board, int64(turns.Size)); err != nil {
		return err
	}
	var workers []*process
	defer func() {
		for _, w := range workers {
			w.end()
		}
	}()
	for i := range p.workers {
		w, err := start(p, i, socket, board)
		if err != nil {
			return err
		}
		workers = append(workers, w)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	client := exec.Command(self, "-load", ln.Addr().String(), "-clients", p.clients, "-conns", fmt.Sprint(p.conns))
	client.Stderr = os.Stderr
	figures, err := client.Output()
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	return report(p, workers, string(figures))
}

// process is a worker.
type process struct {
	pid int
	out *bufio.Reader
}

// start does not use os/exec, which would turn the socket blocking.
func start(p plan, number, socket, board int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	pid, err := syscall.ForkExec(self, []string{self, "-worker", fmt.Sprint(number), "-ways", p.ways}, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, w.Fd(), 2, uintptr(socket), uintptr(board)},
	})
	if err != nil {
		return nil, err
	}
	worker := &process{pid: pid, out: bufio.NewReader(r)}
	if _, err := worker.out.ReadString('\n'); err != nil {
		return worker, fmt.Errorf("worker %d does not start: %w", number, err)
	}
	return worker, nil
}

func (w *process) end() {
	_ = syscall.Kill(w.pid, syscall.SIGKILL)
	_, _ = syscall.Wait4(w.pid, nil, 0, nil)
}

// report has the workers say what they did, and prints a row.
func report(p plan, workers []*process, figures string) error {
	var counts []int
	var cpu time.Duration
	for _, w := range workers {
		if err := syscall.Kill(w.pid, syscall.SIGTERM); err != nil {
			return err
		}
		var n int
		var used time.Duration
		if _, err := fmt.Fscan(w.out, &n, &used); err != nil {
			return err
		}
		counts = append(counts, n)
		cpu += used
	}
	var rate, p50, p99 float64
	if _, err := fmt.Sscan(figures, &rate, &p50, &p99); err != nil {
		return err
	}
	slices.Sort(counts)
	spread := float64(counts[len(counts)-1]) / max(float64(counts[0]), 1)
	fmt.Printf("%-9s %7s %8.2f %9.0f %9.1f %8.0f %8.0f  %d\n", p.ways, p.clients, spread, rate, float64(cpu.Microseconds())/float64(p.conns), p50, p99, counts)
	return nil
}
