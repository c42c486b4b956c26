package support_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/admit"
	lines "github.com/support-go/support/logs"
	"github.com/support-go/support/logs/access"
	"github.com/support-go/support/logs/sink"
	"github.com/support-go/support/offload"
	"github.com/support-go/support/prefork"
)

// logEverything logs in each of the ways there are.
func logEverything(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/panic":
		panic("oh")
	case "/crash":
		go panic("oh")
		select {}
	case "/much":
		for i := range 20_000 {
			slog.Info("much", "i", i)
		}
	default:
		fmt.Println("printed\x1b[2J")
		fmt.Fprintln(os.Stderr, "complained")
		slog.Info("by default")
		slog.Debug("in depth")
		lines.Begin(r.Context(), "answer").End(nil)
	}
	fmt.Fprint(w, "ok")
}

// runProgram is the main function of a program that a test has started.
func runProgram(name string) {
	group := support.New(name)
	group.Workers, _ = strconv.Atoi(os.Getenv("WORKERS")) // 0 if nobody says
	switch name {
	case "inherited":
		group.HTTP("fd:web", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
	case "empty": // with two problems
		group.Workers = -1
	case "failing":
		group.HTTP("127.0.0.1:0", handler())
		group.Setup = func(context.Context) (func(context.Context) error, error) {
			return nil, errors.New("no database\nand no hope")
		}
	case "listening":
		group.HTTP(os.Getenv("ADDRESS"), handler())
	case "delaying":
		group.Drain.Delay = never
		group.HTTP(os.Getenv("ADDRESS"), handler())
		group.Probe(os.Getenv("PROBE"))
	case "logging":
		group.Logs = support.Logs{File: os.Getenv("LOG"), Access: new(access.Log)}
		group.Logs.Options.JSON = os.Getenv("JSON") != ""
		if server := os.Getenv("SYSLOG"); server != "" {
			group.Logs.To = &sink.Syslog{Network: "udp", Address: server, Host: "web1"}
		}
		group.Dir = os.Getenv("DIR") // the default if nobody says
		if page := os.Getenv("PAGE"); page != "" {
			group.Meta(page)
		}
		group.HTTP(os.Getenv("ADDRESS"), http.HandlerFunc(logEverything))
	case "probed":
		group.HTTP(os.Getenv("ADDRESS"), handler())
		group.Probe(os.Getenv("PROBE"))
	case "packets":
		server := group.Packet(os.Getenv("ADDRESS"), echo)
		go func() {
			<-group.Ready()
			fmt.Println(server.Addr())
		}()
	case "helping":
		group.HTTP(os.Getenv("ADDRESS"), helping(group))
	case "mortal":
		group.HTTP(os.Getenv("ADDRESS"), http.HandlerFunc(mortal))
	case "leaking":
		var kept [][]byte
		group.Limits.Cycling = prefork.Cycling{Memory: -1, GC: -1, Sustained: time.Second}
		server := group.HTTP(os.Getenv("ADDRESS"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/leak" {
				kept = append(kept, make([]byte, 100<<20))
			}
			fmt.Fprint(w, os.Getpid())
		}))
		server.Overload.Class = admit.Prefixes{"/vip": admit.Critical}.Class
	case "filling", "starving":
		server := group.HTTP(os.Getenv("ADDRESS"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if own := strconv.Itoa(os.Getpid()); r.URL.Path == "/hold/" || r.URL.Path == "/hold/"+own {
				<-r.Context().Done()
			}
			fmt.Fprint(w, os.Getpid())
		}))
		if name == "filling" {
			group.Admit = admit.Limits{Running: 4, Standing: 1, Burst: 1, MaxWait: time.Hour}
		} else {
			server.Overload.Accept.Open = -1
			starve()
		}
	case "holding":
		group.Drain = support.Drain{LameDuck: never, Grace: never}
		group.Stream("127.0.0.1:0", func(ctx context.Context, _ net.Conn) error { <-ctx.Done(); return nil })
		server := group.HTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
		go func() {
			<-group.Ready()
			fmt.Println(server.Addr())
		}()
	}
	support.Main(group)
}

// helping has requests answered by helpers of each worker: what a helper says
// and its pid, or that it dies.
func helping(group *support.Group) http.Handler {
	library := &offload.Process{Name: "library", Size: 1}
	say := offload.Register(library, "say", func(_ context.Context, what string) (int, error) {
		if what == "/die" {
			os.Exit(3)
		}
		fmt.Println("said by a helper")
		return os.Getpid(), nil
	})
	library.Serve()
	group.Setup = func(context.Context) (func(context.Context) error, error) { return library.Close, nil }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pid, err := say.Do(r.Context(), r.URL.Path)
		fmt.Fprintln(w, os.Getpid(), pid, errors.Is(err, offload.ErrDied))
	})
}
