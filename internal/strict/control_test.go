//go:build unix

package strict_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/support-go/support/internal/strict"
)

// The control arm: an instrument that finds nothing wrong proves nothing until
// it has been seen to find what is known to be wrong. Each of these servers
// loses requests in a way that ordinary clients hide, and one does not.

// generation is one of the servers that follow each other on a shared socket,
// as the processes of a rolling reload do.
type generation struct {
	srv   *http.Server
	ln    *countedListener
	leave atomic.Bool // every answer from now on ends its connection
	done  chan struct{}
}

// startGeneration serves handler on a duplicate of the socket.
func startGeneration(t *testing.T, shared *net.TCPListener, handler http.Handler) *generation {
	t.Helper()
	file, err := shared.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ln, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	g := &generation{ln: &countedListener{Listener: ln, changed: make(chan struct{}, 1)}, done: make(chan struct{})}
	g.srv = &http.Server{Protocols: allProtocols(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.leave.Load() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})}
	go func() {
		defer close(g.done)
		_ = g.srv.Serve(g.ln)
	}()
	return g
}

// shutdown is what most programs do.
func (g *generation) shutdown(ctx context.Context) error {
	err := g.srv.Shutdown(ctx)
	<-g.done
	return err
}

// lameDuck stops accepting, ends every connection with an answer, and goes
// when all are gone.
func (g *generation) lameDuck(ctx context.Context) error {
	g.leave.Store(true)
	_ = g.ln.Close()
	<-g.done
	for g.ln.open.Load() > 0 {
		select {
		case <-g.ln.changed:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), g.srv.Close())
		}
	}
	return g.srv.Shutdown(ctx)
}

// countedListener knows how many of its connections are open from the moment
// they are accepted, which is before net/http does.
type countedListener struct {
	net.Listener
	open    atomic.Int64
	changed chan struct{} // holds one: somebody should look at open again
}

func (l *countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &countedConn{Conn: conn, ln: l}, nil
}

type countedConn struct {
	net.Conn
	ln   *countedListener
	once sync.Once
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.ln.open.Add(-1)
		select {
		case c.ln.changed <- struct{}{}:
		default:
		}
	})
	return err
}

// reload replaces the serving generation again and again, each time after the
// clients have had some answers from it, until enough says so.
func reload(ctx context.Context, t *testing.T, shared *net.TCPListener, echo http.Handler, trial *strict.Trial,
	stop func(*generation, context.Context) error, enough func(reloads int) bool) {
	t.Helper()
	serving := startGeneration(t, shared, echo)
	for n := 1; ctx.Err() == nil && !enough(n-1); n++ {
		await(ctx, trial, trial.Count(strict.Answered)+500)
		next := startGeneration(t, shared, echo)
		trial.Mark("reload")
		check(t, stop(serving, ctx))
		serving = next
	}
	t.Cleanup(func() { _ = serving.srv.Close(); <-serving.done })
}

// await returns when the trial has n answers, or ctx has ended.
func await(ctx context.Context, trial *strict.Trial, n int64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for trial.Count(strict.Answered) < n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// reloading runs loads of every mode while the server is reloaded, and returns
// the report.
func reloading(t *testing.T, echo *strict.Echo, modes []strict.Mode,
	stop func(*generation, context.Context) error, enough func(*strict.Trial, int) bool) *strict.Report {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	trial := &strict.Trial{}
	for _, mode := range modes {
		trial.Loads = append(trial.Loads, strict.Load{
			Mode: mode, Target: strict.Target{Addr: ln.Addr().String()}, Limits: strict.Limits{Timeout: patience},
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		reload(ctx, t, ln.(*net.TCPListener), echo, trial, stop, func(n int) bool { return enough(trial, n) })
	})
	report, err := trial.Run(ctx)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d, %d reloads: %v", report.Seed, len(report.Marks), report.Total())
	return report
}

// TestLossyReloadIsCaught: http.Server.Shutdown closes kept connections that
// have a request on their way.
func TestLossyReloadIsCaught(t *testing.T) {
	caught := func(trial *strict.Trial, _ int) bool { return trial.Count(strict.Stale) > 0 }
	report := reloading(t, &strict.Echo{}, []strict.Mode{strict.Kept}, (*generation).shutdown, caught)
	if report.L0() == nil || report.Total()[strict.Stale] == 0 {
		t.Errorf("nothing was found to be lost in %d reloads: %v", len(report.Marks), report.Total())
	}
}

// TestLosslessReloadPasses runs the same, but waits for the connections.
func TestLosslessReloadPasses(t *testing.T) {
	const reloads = 20
	echo := &strict.Echo{}
	report := reloading(t, echo, []strict.Mode{strict.Fresh, strict.Kept, strict.HTTP2}, (*generation).lameDuck,
		func(_ *strict.Trial, n int) bool { return n == reloads })
	check(t, report.L0Strict())
	check(t, report.Closed())
	check(t, report.AtLeast(1000))
	check(t, report.Balance(echo.Finished()))
	if len(report.Marks) != reloads {
		t.Errorf("%d reloads, want %d", len(report.Marks), reloads)
	}
}
