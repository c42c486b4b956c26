// Command request measures what a group costs beyond net/http: CPU time per
// request and memory of an idle process, side by side in one run.
//
//	go run ./request -pairs 20
//
// It starts itself again as five servers that answer 13 bytes: bare net/http;
// base, which is net/http with the time-outs and the ConnState hook that any
// careful program has; base2, the same with the two Ps that a group insists on;
// a group in one process; and a group's worker. Each server is pinned to
// the first CPU and loaded by wrk on the second, in slices of a second, every
// slice of a group between two of its base. CPU time is the server's own, user
// and system, by the kernel's account.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/support-go/support"
)

func main() {
	serve := flag.String("serve", "", "be a server: bare, base, base2, group or workers")
	addr := flag.String("addr", "127.0.0.1:0", "address of that server")
	pairs := flag.Int("pairs", 10, "slices of each kind")
	slice := flag.Duration("slice", time.Second, "length of a slice")
	flag.Parse()
	var err error
	if *serve != "" {
		err = beServer(*serve, *addr)
	} else {
		err = measure(*pairs, *slice)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "request:", err)
		os.Exit(1)
	}
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello, world!") }

func beServer(kind, addr string) error {
	handler := http.HandlerFunc(hello)
	switch kind {
	case "bare":
		return (&http.Server{Addr: addr, Handler: handler}).ListenAndServe() //nolint:gosec // it is to be bare
	case "base", "base2":
		if kind == "base2" {
			runtime.GOMAXPROCS(2)
		}
		return (&http.Server{
			Addr: addr, Handler: handler,
			ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second, MaxHeaderBytes: 64 << 10,
			ConnState: func(net.Conn, http.ConnState) {},
		}).ListenAndServe()
	}
	group := support.New("bench")
	group.Log = slog.New(slog.DiscardHandler)
	if kind == "workers" {
		group.Workers = 1
		group.Dir = os.Getenv("BENCH_DIR")
		group.Limits.Orphan = -1 // go with the supervisor
	}
	group.HTTP(addr, handler)
	return group.Run(context.Background())
}

// server is a process under load.
type server struct {
	kind string
	cmd  *exec.Cmd
	addr string
	pid  int // of the process that answers
}

func start(kind, dir string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{kind: kind, addr: ln.Addr().String()}
	_ = ln.Close()
	s.cmd = exec.Command("taskset", "-c", "0", self, "-serve", kind, "-addr", s.addr)
	s.cmd.Env = append(os.Environ(), "BENCH_DIR="+filepath.Join(dir, kind))
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.pid = s.cmd.Process.Pid
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + s.addr)
		if err == nil {
			_ = resp.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s does not answer: %w", kind, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if kind == "workers" {
		s.pid, err = child(s.pid)
	}
	return s, err
}

// child is the one process that pid has started.
func child(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err == nil && strings.TrimSpace(string(text)) == "" {
		all, globErr := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		if globErr != nil {
			return 0, globErr
		}
		for _, path := range all {
			if part, err := os.ReadFile(path); err == nil {
				text = append(text, part...)
			}
		}
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.Fields(string(text))[0])
}

// cpu is the time that the process has used, in the kernel's ticks of 10 ms
// summed over its threads' precise run times.
func (s *server) cpu() (time.Duration, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.pid))
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// load returns the CPU time per request over one slice.
func (s *server) load(slice time.Duration) (time.Duration, error) {
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	out, err := exec.Command("taskset", "-c", "1", "wrk", "-t1", "-c64", "-d", slice.String(), "http://"+s.addr).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, err := s.cpu()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(out)) {
		if count, ok := strings.CutSuffix(strings.Fields(line + " x")[0], ""); ok && strings.Contains(line, "requests in") {
			n, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				return 0, err
			}
			return (after - before) / time.Duration(n), nil
		}
	}
	return 0, fmt.Errorf("wrk said: %s", out)
}

// memory is the anonymous memory of a process, in KiB.
func memory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			return strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("no RssAnon of %d", pid)
}

func measure(pairs int, slice time.Duration) error {
	if slice < time.Second || slice%time.Second != 0 {
		return fmt.Errorf("-slice %v: wrk wants whole seconds", slice)
	}
	for _, program := range []string{"wrk", "taskset"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: install it (Debian: apt-get install wrk util-linux)", err)
		}
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	kinds := []string{"bare", "base", "base2", "group", "workers"}
	servers := make(map[string]*server)
	for _, kind := range kinds {
		if servers[kind], err = start(kind, dir); err != nil {
			return err
		}
		defer servers[kind].stop()
	}
	fmt.Printf("%s, GOMAXPROCS of the servers as Go and the group choose it on one CPU\n\n", runtime.Version())
	if err := report(servers, dir); err != nil {
		return err
	}
	per := make(map[string][]float64)
	for range pairs {
		for _, pair := range [][2]string{{"bare", "base"}, {"base", "base"}, {"base", "base2"}, {"base2", "group"}, {"base2", "workers"}} {
			if err := slot(servers, pair, slice, per); err != nil {
				return err
			}
		}
	}
	fmt.Printf("CPU time per request of base: %s ns\n", spread(per["base"], 0))
	fmt.Println("CPU time per request, each slice against the mean of the two slices of its base around it:")
	for _, name := range []string{"base / bare", "base / base", "base2 / base", "group / base2", "workers / base2"} {
		fmt.Printf("%-16s ratio %s, difference %s ns\n", name, spread(per[name], 3), spread(per[name+" ns"], 0))
	}
	return nil
}

// slot measures base, other, base.
func slot(servers map[string]*server, pair [2]string, slice time.Duration, per map[string][]float64) error {
	var took [3]time.Duration
	for i, kind := range []string{pair[0], pair[1], pair[0]} {
		t, err := servers[kind].load(slice)
		if err != nil {
			return err
		}
		took[i] = t
	}
	base := float64(took[0]+took[2]) / 2
	per[pair[0]] = append(per[pair[0]], base)
	name := pair[1] + " / " + pair[0]
	per[name] = append(per[name], float64(took[1])/base)
	per[name+" ns"] = append(per[name+" ns"], float64(took[1])-base)
	return nil
}

// spread is the median with the quartiles.
func spread(values []float64, digits int) string {
	slices.Sort(values)
	at := func(q float64) float64 { return values[int(q*float64(len(values)-1)+0.5)] }
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, at(0.5), digits, at(0.25), digits, at(0.75))
}

// report prints the memory of the idle servers.
func report(servers map[string]*server, _ string) error {
	fmt.Println("anonymous memory, idle, KiB:")
	for _, row := range []struct {
		name string
		pid  int
	}{
		{"bare net/http", servers["bare"].pid},
		{"group, one process", servers["group"].pid},
		{"worker", servers["workers"].pid},
		{"its supervisor", servers["workers"].cmd.Process.Pid},
	} {
		kib, err := memory(row.pid)
		if err != nil {
			return err
		}
		fmt.Printf("  %-20s %6d\n", row.name, kib)
	}
	fmt.Println()
	return nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill() // its worker notices, and has nobody to serve
	_ = s.cmd.Wait()
}
