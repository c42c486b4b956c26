//go:build linux || darwin

package offload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/support-go/support/offload"
)

// The test binary is the program that is started again: whatever runs in a
// helper process is registered by TestMain.
var remote, watched functions

// logFile is the file that logVariable names, for helpers.
func logFile() io.Writer {
	file, err := os.OpenFile(os.Getenv(logVariable), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return io.Discard
	}
	return file
}

const (
	logVariable  = "OFFLOAD_TEST_LOG"
	holdVariable = "OFFLOAD_TEST_HOLD" // a file that helpers wait for
)

// hold waits until there is a file.
func hold(file string) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if fileExists(file) {
			return
		}
	}
}

func TestMain(m *testing.M) {
	if file := os.Getenv(holdVariable); file != "" {
		hold(file)
	}
	remote = register(&offload.Process{Name: "tests", Size: 2})
	remote.process.Serve()
	watched = register(&offload.Process{
		Name: "watched", Size: 1, Limits: offload.Limits{Budget: time.Millisecond, Patience: time.Millisecond},
		Log: slog.New(slog.NewTextHandler(logFile(), nil)),
	})
	watched.process.Serve()
	if os.Getenv("OFFLOAD_TEST_PARENT") != "" {
		beParent()
	}
	code := m.Run()
	if err := errors.Join(remote.process.Close(context.Background()), watched.process.Close(context.Background())); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// functions are those that a helper knows.
type functions struct {
	process *offload.Process
	pid     offload.Remote[struct{}, int]
	shout   offload.Remote[[]string, string]
	echo    offload.Remote[[]byte, []byte]
	fail    offload.Remote[string, int]
	explode offload.Remote[string, int]
	exit    offload.Remote[int, int]
	die     offload.Remote[struct{}, int]
	heed    offload.Remote[string, time.Duration]
	hang    offload.Remote[string, int]
	stop    offload.Remote[struct{}, int]
	babble  offload.Remote[[]byte, int]
	grow    offload.Remote[int, int]
	within  offload.Remote[struct{}, [2]int]
	strange offload.Remote[struct{}, func()]
	cyclic  offload.Remote[*ring, int]
	knots   offload.Remote[struct{}, *ring]
}

// ring is a list that may have no end.
type ring struct {
	Value int
	Next  *ring
}

// register has p know all functions.
func register(p *offload.Process) (f functions) {
	f.process = p
	f.pid = offload.Register(p, "pid", func(context.Context, struct{}) (int, error) { return os.Getpid(), nil })
	f.shout = offload.Register(p, "shout", func(_ context.Context, words []string) (string, error) {
		return strings.ToUpper(strings.Join(words, " ")), nil
	})
	f.echo = offload.Register(p, "echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	f.fail = offload.Register(p, "fail", func(_ context.Context, why string) (int, error) { return 0, errors.New(why) })
	f.explode = offload.Register(p, "explode", func(_ context.Context, why string) (int, error) { panic(why) })
	f.exit = offload.Register(p, "exit", func(_ context.Context, code int) (int, error) {
		os.Exit(code)
		return 0, nil
	})
	f.die = offload.Register(p, "die", func(context.Context, struct{}) (int, error) {
		return 0, syscall.Kill(os.Getpid(), syscall.SIGKILL)
	})
	f.heed = offload.Register(p, "heed", func(ctx context.Context, mark string) (time.Duration, error) {
		note(mark)
		deadline, _ := ctx.Deadline()
		left := time.Until(deadline)
		<-ctx.Done()
		if mark == "result" {
			return left, nil
		}
		return 0, ctx.Err()
	})
	f.hang = offload.Register(p, "hang", func(_ context.Context, mark string) (int, error) {
		note(mark)
		for {
			runtime.Gosched()
		}
	})
	f.stop = offload.Register(p, "stop", func(context.Context, struct{}) (int, error) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	})
	f.babble = offload.Register(p, "babble", func(_ context.Context, noise []byte) (int, error) {
		return syscall.Write(4, noise) // the pipe of its replies
	})
	var kept [][]byte
	f.grow = offload.Register(p, "grow", func(_ context.Context, size int) (int, error) {
		b := make([]byte, size)
		for i := 0; i < size; i += 4096 { // resident
			b[i] = 1
		}
		kept = append(kept, b)
		return os.Getpid(), nil
	})
	f.within = offload.Register(p, "within", func(ctx context.Context, _ struct{}) ([2]int, error) {
		pid, err := f.pid.Do(ctx, struct{}{})
		return [2]int{os.Getpid(), pid}, err
	})
	f.strange = offload.Register(p, "strange", func(context.Context, struct{}) (func(), error) { return func() {}, nil })
	f.cyclic = offload.Register(p, "cyclic", func(_ context.Context, r *ring) (int, error) { return r.Value, nil })
	f.knots = offload.Register(p, "knots", func(context.Context, struct{}) (*ring, error) { return knot(), nil })
	return f
}

// knot is a ring of one.
func knot() *ring {
	r := &ring{Value: 1}
	r.Next = r
	return r
}

// note writes the pid of a helper to a file, if one is named, for tests that
// wait until a job runs.
func note(file string) {
	if strings.HasPrefix(file, "/") {
		_ = os.WriteFile(file+".new", fmt.Append(nil, os.Getpid()), 0o600)
		_ = os.Rename(file+".new", file)
	}
}

// beParent starts a helper whose job does not end, and waits to be killed.
func beParent() {
	_, err := remote.hang.Do(context.Background(), os.Getenv("OFFLOAD_TEST_PARENT"))
	fmt.Println(err)
	os.Exit(1)
}
