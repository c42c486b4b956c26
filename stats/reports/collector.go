// Package reports carries the statistics of a group's processes to the one
// that shows them, and keeps what the ended ones have counted.
//
// Each process sends what it has counted since its last report to a Collector,
// over a unix socket in the group's runtime directory. The collector that
// succeeds another one takes over what it knew from a file; if the other was
// killed, the living report everything again, and of the ended a second's worth
// is lost at most, since the file is written each second, or so seldom that
// writing takes 2 % of the time.
package reports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/support-go/support/internal/inspect"
	"github.com/support-go/support/stats"
)

// Collector adds up the reports of one run of a group: of all processes that
// have been started by one supervisor. Make it with New.
type Collector struct {
	place Place
	own   *stats.Registry
	log   *slog.Logger
	began chan struct{} // closed when totals are those of the whole group

	totals stats.Totals

	mu      sync.Mutex
	sources map[int]source // by pid, those that have not ended
	trouble error          // that keeps it from collecting
	refused time.Time      // when the log last told of a report that was
}

// source is a process that reports. The kernel remembers which one it was, so
// that another one with its pid is not taken for it.
type source struct {
	name    string
	process *os.Process
	heard   bool // by this collector, not only by its predecessor
}

// Place is where the reports of a run meet.
type Place struct {
	Dir string // of the group
	Run string // safe as a part of a file's name, and different for each run
}

func (p Place) socket() string { return filepath.Join(p.Dir, "reports."+p.Run+".sock") }
func (p Place) totals() string { return filepath.Join(p.Dir, "totals."+p.Run) }
func (p Place) lock() string   { return filepath.Join(p.Dir, "totals.lock") }

// New returns a collector of what is sent to a place. The registry of this
// process has the limits of all others, and gets their help texts.
func New(place Place, own *stats.Registry, log *slog.Logger) *Collector {
	return &Collector{
		place: place, own: own, log: log, began: make(chan struct{}),
		totals: stats.Totals{Limits: own.Limits}, sources: make(map[int]source),
	}
}

// Run waits until no other process collects in the same directory, takes over
// what is known, and collects until ctx ends. Then it leaves what it knows to
// its successor. What it cannot do, as on a full disk, it logs and tries again.
func (c *Collector) Run(ctx context.Context) error {
	lock, err := c.lock(ctx)
	if err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	defer lock.Close()
	c.note(nil)
	c.tidy()
	if err := c.load(); err != nil {
		c.log.Error("statistics of ended workers are lost", "error", err)
	}
	close(c.began)
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(ctx) })
	for ctx.Err() == nil {
		c.note(c.collect(ctx))
	}
	watching.Wait()
	return c.save()
}

// collect takes reports until ctx ends, or until that fails, such as when
// somebody has cleaned the socket away. It takes a second for that at least.
func (c *Collector) collect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- inspect.Serve(ctx, c.place.socket(), c) }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return <-ended
		}
		if len(ended) > 0 || !exists(c.place.socket()) {
			cancel()
			return <-ended
		}
		c.note(nil)
	}
}

// note remembers what is wrong, if anything, and logs what is new.
func (c *Collector) note(trouble error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if trouble != nil && (c.trouble == nil || c.trouble.Error() != trouble.Error()) {
		c.log.Error("statistics are incomplete", "error", trouble)
	}
	c.trouble = trouble
}

// Discard removes what Run has left, for the end of a group.
func (c *Collector) Discard() { _ = os.Remove(c.place.totals()) }

// Snapshot is the sum of all processes of the run, of those that have ended
// too. It waits for Run to have taken over. Beside an error there is what is
// known nevertheless.
func (c *Collector) Snapshot(ctx context.Context) (stats.Snapshot, error) {
	select {
	case <-c.began:
		sum, err := c.totals.Snapshot()
		return sum, errors.Join(err, c.wrong())
	case <-ctx.Done():
		err := fmt.Errorf("reports: the statistics have not been taken over: %w", context.Cause(ctx))
		return stats.Snapshot{}, errors.Join(err, c.wrong())
	}
}

func (c *Collector) wrong() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble
}

// Process is what a process that has not ended has reported.
func (c *Collector) Process(pid int) (stats.Snapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.totals.Source(c.sources[pid].name)
}

// ServeHTTP takes a report. The answer is 204 if it is counted, and 409 if
// reports before it are missing.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == helpPath {
		c.takeHelp(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, stats.MaxBinary))
	var delta stats.Delta
	if err == nil {
		err = delta.UnmarshalBinary(body)
	}
	if err == nil {
		err = c.take(inspect.Peer(r.Context()), delta)
	}
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, stats.ErrGap):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		c.logRefused(inspect.Peer(r.Context()), err)
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// logRefused logs a refusal now and then only: a process that has gone mad
// makes any number of them.
func (c *Collector) logRefused(pid int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.refused) > patience {
		c.refused = time.Now()
		c.log.Warn("a report was refused", "pid", pid, "error", err)
	}
}

// take counts what the process has sent. A process has one source.
func (c *Collector) take(pid int, delta stats.Delta) error {
	if owner(delta.Source) != pid {
		return fmt.Errorf("the source %q is not that of process %d", delta.Source, pid)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.sources[pid]
	if known.name == delta.Source {
		c.sources[pid] = source{known.name, known.process, true}
		return c.totals.Apply(delta)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if gone(process) {
		return nil // it was killed as it sent this, and has been counted as ended
	}
	if known.name != "" {
		if known.heard && !gone(known.process) { // unheard, it had the number before this one
			return fmt.Errorf("process %d reports as %q already", pid, known.name)
		}
		if err := c.endLocked(pid); err != nil {
			return err
		}
	}
	c.sources[pid] = source{delta.Source, process, true}
	return c.totals.Apply(delta)
}

// owner is the pid in the name of a source, or 0.
func owner(source string) int {
	number, _, _ := strings.Cut(source, ".")
	pid, _ := strconv.Atoi(number)
	return pid
}

func gone(p *os.Process) bool {
	return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// watch notes the end of processes, and saves, until ctx ends.
func (c *Collector) watch(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var next time.Time // to save
	var failed error   // why it was not saved the last time
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := c.endGone(); err != nil {
			c.log.Error("statistics of ended workers", "error", err)
		}
		if began := time.Now(); began.After(next) {
			err := c.save()
			next = began.Add(50 * time.Since(began))
			if err != nil && failed == nil {
				c.log.Error("statistics are not saved, and lost if this process is killed", "error", err)
			}
			failed = err
		}
	}
}

func (c *Collector) endGone() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var problems []error
	for pid, s := range c.sources {
		if gone(s.process) {
			problems = append(problems, c.endLocked(pid))
		}
	}
	return errors.Join(problems...)
}

func (c *Collector) endLocked(pid int) error {
	s := c.sources[pid]
	delete(c.sources, pid)
	_ = s.process.Release()
	return c.totals.End(s.name)
}
