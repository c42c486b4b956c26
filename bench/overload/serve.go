package main

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
)

// serve is a server of a kind at an address, whose requests each take work
// rounds of hashing after a wait.
func serve(kind, addr string, work int, pause time.Duration) error {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if pause > 0 {
			time.Sleep(pause)
		}
		hash(work)
		_, _ = io.WriteString(w, "ok")
	})
	if workers, ours := map[string]int{"support": 0, "workers": 2}[kind]; ours {
		return serveGroup(addr, handler, workers)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if kind == "accept and admit" {
		return serveParts(ln, handler)
	}
	return peer(kind, ln, handler)
}

func serveGroup(addr string, handler http.Handler, workers int) error {
	group := support.New("bench")
	group.Log = slog.New(slog.DiscardHandler)
	group.Workers = workers
	group.Dir = os.Getenv("BENCH_DIR")
	group.Limits.Orphan = -1 // go with the supervisor
	server := group.HTTP(addr, handler)
	server.Overload.Class = admit.Prefixes{"/critical": admit.Critical, "/sheddable": admit.Sheddable}.Class
	return group.Run(context.Background())
}

// serveParts uses the two packages without a group.
func serveParts(ln net.Listener, handler http.Handler) error {
	log := slog.New(slog.DiscardHandler)
	gate := admit.New(admit.Limits{}, nil, log)
	queue := accept.NewQueue(ln, accept.Limits{Room: gate.Room}, nil, log)
	server := &http.Server{Handler: gate.Handler(handler, admit.Policy{}), ReadHeaderTimeout: 10 * time.Second}
	queue.Hook(server)
	return server.Serve(queue)
}

func hash(rounds int) {
	var block [1 << 10]byte
	for range rounds {
		sum := sha256.Sum256(block[:])
		copy(block[:], sum[:])
	}
}

// calibrate is how many rounds take d, the least of several tries, as the
// others are those in which somebody else ran.
func calibrate(d time.Duration) int {
	const rounds = 2000
	least := time.Hour
	for range 50 {
		start := time.Now()
		hash(rounds)
		least = min(least, time.Since(start))
	}
	return int(float64(rounds) * float64(d) / float64(least))
}

// environment is that of a server which is told how many Ps to have; 0 for what
// Go chooses.
func environment(procs int, dir string) []string {
	env := append(os.Environ(), "BENCH_DIR="+dir)
	if procs > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(procs))
	}
	return env
}
