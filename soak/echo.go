package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/support-go/support/internal/strict"
)

// echo is a server in the manner of most programs: on SIGHUP a new http.Server
// takes over the socket and the old one is shut down. That loses requests. It
// is the control arm of the scenarios: one that finds nothing here is blind.
type echo struct {
	handler http.Handler
	socket  *net.TCPListener
	reloads atomic.Int64
	current *http.Server
	servers sync.WaitGroup
}

// runEcho serves until ctx ends.
func runEcho(ctx context.Context, args []string, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:8888", "TCP `address` to serve on")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return complain(errOut, "echo: arguments left over: %q", flags.Args())
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("soak: echo: %w", err)
	}
	defer ln.Close()
	fmt.Fprintln(out, "echo on", ln.Addr())
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	return newEcho(ln.(*net.TCPListener)).serve(ctx, hup)
}

func newEcho(socket *net.TCPListener) *echo {
	e := &echo{socket: socket}
	mux := http.NewServeMux()
	mux.Handle("/", &strict.Echo{})
	mux.HandleFunc("GET /status.json", e.status)
	e.handler = mux
	return e
}

// status tells the number of reloads that are complete.
func (e *echo) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"phase": "serving", "reloads": e.reloads.Load()})
}

// serve serves until ctx ends and reloads at each signal.
func (e *echo) serve(ctx context.Context, hup <-chan os.Signal) error {
	defer e.servers.Wait()
	err := e.start()
	for err == nil {
		select {
		case <-hup:
			old := e.current
			if err = e.start(); err == nil {
				err = shutdown(old)
				e.reloads.Add(1)
			}
		case <-ctx.Done():
			return shutdown(e.current)
		}
	}
	return errors.Join(err, shutdown(e.current))
}

// start serves on a duplicate of the socket, so that closing it leaves the
// kernel's queue alone.
func (e *echo) start() error {
	file, err := e.socket.File()
	if err != nil {
		return fmt.Errorf("soak: echo: %w", err)
	}
	defer file.Close()
	ln, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("soak: echo: %w", err)
	}
	srv := &http.Server{Handler: e.handler, ReadHeaderTimeout: 10 * time.Second, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	e.current = srv
	e.servers.Go(func() { _ = srv.Serve(ln) }) // ends with shutdown
	return nil
}

func shutdown(srv *http.Server) error {
	if srv == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return fmt.Errorf("soak: echo: %w", errors.Join(err, srv.Close()))
	}
	return nil
}
