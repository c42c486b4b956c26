package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/internal/strict"
)

// runServe serves what the client asks for with a group, which is what all
// this is about. On demand it goes wrong in ways that tests and scenarios need.
func runServe(ctx context.Context, args []string, _, errOut io.Writer) error {
	group := support.New("soak")
	group.Admit.Running = 1024 // whoever loads it wants to know what is lost, not what is shed
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:8888", "`address` to serve on")
	secure := flags.String("tls", "", "`address` to serve TLS on; empty: none")
	meta := flags.String("meta", "127.0.0.1:8889", "`address` of the page")
	executed := flags.String("executed", "", "`file` that gets the id of every POST")
	flags.IntVar(&group.Workers, "workers", 2, "worker processes")
	flags.StringVar(&group.Dir, "dir", "", "runtime `directory`")
	flags.DurationVar(&group.Drain.Delay, "delay", 0, "of readiness before a stop")
	flags.DurationVar(&group.Drain.LameDuck, "lameduck", 0, "longest life of an idle connection in a drain; 0: default")
	flags.DurationVar(&group.Drain.Grace, "grace", 0, "longest life of a request in a drain; 0: default")
	flags.DurationVar(&group.Limits.Silence, "silence", 0, "longest silence of a worker; 0: default")
	flags.DurationVar(&group.Limits.Stuck, "stuck", 0, "longest standstill of a worker; 0: default")
	flags.Int64Var(&group.Limits.Cycling.Memory, "memory", 0, "`bytes` that a worker may use before it is replaced; 0: default")
	flags.DurationVar(&group.Limits.Cycling.Age, "age", 0, "at which a worker is replaced; 0: never")
	flags.DurationVar(&group.Limits.Cycling.Sustained, "sustained", 0, "time for which a mark must be passed; 0: default")
	flags.DurationVar(&group.Limits.Orphan, "orphan", 0, "time that workers survive their supervisor; 0: default")
	broken := flags.String("broken", "", "while there is a `file` of this name, workers exit as they start")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return complain(errOut, "serve: arguments left over: %q", flags.Args())
	}
	echo := new(strict.Echo)
	if *executed != "" {
		file, err := os.OpenFile(*executed, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return fmt.Errorf("soak: serve: %w", err)
		}
		defer file.Close()
		echo.Executed = file
	}
	group.Setup = func(context.Context) (func(context.Context) error, error) {
		if _, err := os.Stat(*broken); err == nil {
			os.Exit(3)
		}
		return nil, nil
	}
	handler := newFaulty(echo)
	group.HTTP(*addr, handler)
	if *secure != "" {
		certificate, err := selfSigned()
		if err != nil {
			return err
		}
		group.Add(&support.Server{Listen: *secure, Handler: handler, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	}
	group.Meta(*meta)
	support.Main(group) // which knows more about signals than ctx does
	return nil
}

// faulty is a handler that can be told to stop working.
type faulty struct {
	mux   *http.ServeMux
	gate  sync.RWMutex // held for ever by a deadlock
	spins atomic.Bool
	leaks atomic.Bool
}

func newFaulty(echo http.Handler) http.Handler {
	f := &faulty{mux: http.NewServeMux()}
	f.mux.Handle("/", echo)
	f.mux.HandleFunc("/fault/pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })
	f.mux.HandleFunc("/fault/exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	f.mux.HandleFunc("/fault/crash", func(http.ResponseWriter, *http.Request) { go panic("crash on demand") })
	f.mux.HandleFunc("/fault/leak", f.leak)
	f.mux.HandleFunc("/fault/deadlock", func(http.ResponseWriter, *http.Request) { f.deadlock() })
	f.mux.HandleFunc("/fault/spin", func(http.ResponseWriter, *http.Request) { f.spins.Store(true); f.spin() })
	f.mux.HandleFunc("/fault/stream", stream)
	return f
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.gate.RLock()
	f.gate.RUnlock() //nolint:staticcheck // only to meet whoever holds it
	if f.spins.Load() {
		f.spin()
	}
	if f.leaks.Load() {
		w.Header().Set(leaking, "yes")
	}
	f.mux.ServeHTTP(w, r)
}

// leaking is a field in the answers of a process that leaks.
const leaking = "X-Leaking"

// leak takes 50 MiB a second and gives nothing back, or, if asked to, all of
// it at a number of MiB, and begins again.
func (f *faulty) leak(_ http.ResponseWriter, r *http.Request) {
	most, err := strconv.Atoi(r.FormValue("most"))
	if err != nil {
		most = math.MaxInt
	}
	if !f.leaks.Swap(true) {
		go leak(most)
	}
}

func leak(most int) {
	var kept [][]byte
	for range time.Tick(20 * time.Millisecond) {
		if len(kept) >= most {
			kept = nil
		}
		page := make([]byte, 1<<20)
		for i := 0; i < len(page); i += 4096 {
			page[i] = 1 // or it would take no memory
		}
		kept = append(kept, page)
	}
	runtime.KeepAlive(kept)
}

// deadlock waits for itself, and with it everybody who comes later.
func (f *faulty) deadlock() {
	f.gate.Lock()
	f.gate.Lock()
}

// spin computes nothing for ever.
func (f *faulty) spin() {
	for n := 0; ; n++ {
		if n < 0 {
			runtime.Gosched()
		}
	}
}

// stream sends a line each 100 ms until it is told to end, or drains.
func stream(w http.ResponseWriter, r *http.Request) {
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for {
		fmt.Fprintln(w, time.Now().UnixMilli())
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-ticks.C:
		case <-support.Draining(r.Context()):
			fmt.Fprintln(w, "draining")
			return
		case <-r.Context().Done():
			return
		}
	}
}
