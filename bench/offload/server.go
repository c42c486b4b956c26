package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/offload"
)

// library is what helpers know.
type library struct {
	process *offload.Process
	hash    offload.Remote[int, [32]byte]
}

func newLibrary() library {
	p := &offload.Process{Name: "hashing"}
	return library{p, offload.Register(p, "hash", hash)}
}

// hash hashes so many blocks of 64 KiB.
func hash(_ context.Context, blocks int) (sum [32]byte, err error) {
	block := make([]byte, 64<<10)
	for range blocks {
		copy(block, sum[:])
		sum = sha256.Sum256(block)
	}
	return sum, nil
}

// calibrate returns how many blocks take 50 ms.
func calibrate() int {
	const blocks = 200
	began := time.Now()
	_, _ = hash(context.Background(), blocks)
	return max(1, int(50*time.Millisecond*blocks/time.Since(began)))
}

func beServer(way string, library library) error {
	way, number, _ := strings.Cut(way, ":")
	blocks, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	group := support.New(way)
	group.Log = slog.New(slog.DiscardHandler)
	run := map[string]func(context.Context) error{
		"none":       func(context.Context) error { return nil },
		"goroutines": func(ctx context.Context) error { _, err := hash(ctx, blocks); return err },
		"cpu": func(ctx context.Context) error {
			_, err := offload.Do(ctx, &group.CPU, func(ctx context.Context) ([32]byte, error) { return hash(ctx, blocks) })
			return err
		},
		"process": func(ctx context.Context) error { _, err := library.hash.Do(ctx, blocks); return err },
	}[way]
	var running, failed atomic.Int64
	var all sync.WaitGroup
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello, world!") })
	mux.HandleFunc("/jobs", func(_ http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		for range n {
			running.Add(1)
			all.Go(func() {
				defer running.Add(-1)
				if run(context.Background()) != nil {
					failed.Add(1)
				}
			})
		}
	})
	mux.HandleFunc("/running", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, running.Load(), failed.Load()) })
	server := group.HTTP("127.0.0.1:0", mux)
	server.Overload.Off = true // what the lanes do is measured, not what the gate does
	go func() {
		<-group.Ready()
		fmt.Println(server.Addr())
	}()
	defer all.Wait()
	return group.Run(context.Background())
}

// server is a process under load.
type server struct {
	cmd  *exec.Cmd
	addr string
}

func startServer(way string, blocks int) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(self, "-serve", fmt.Sprintf("%s:%d", way, blocks))}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(out, &s.addr); err != nil {
		s.stop()
		return nil, err
	}
	return s, s.ask("/jobs?n=1") // a helper is started by the first
}

// stop ends the server; its helper ends with it.
func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) ask(path string) error {
	_, err := s.get(path)
	return err
}

func (s *server) get(path string) (string, error) {
	resp, err := http.Get("http://" + s.addr + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// demand asks for jobs at the beginning of each second.
func (s *server) demand(jobs int, stop <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := s.ask(fmt.Sprintf("/jobs?n=%d", jobs)); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-stop:
			return nil
		}
	}
}

// settle waits until all jobs are over.
func (s *server) settle() error {
	for {
		text, err := s.get("/running")
		if err != nil || strings.HasPrefix(text, "0 ") {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
