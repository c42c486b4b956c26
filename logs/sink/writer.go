// Package sink takes lines of package logs to where they are kept: without ever
// being in the way of who writes them, to files that are rotated, to syslog and
// to the journal of systemd.
//
// Every sink is an io.Writer of lines, as logs.Handler writes them as text,
// since those can be read back. They are chained:
//
//	file, err := sink.Open("/var/log/hello.log", sink.Rotation{})
//	w := sink.NewWriter(file, sink.Limits{}, nil)
//	defer w.Close()
//	log := slog.New(logs.NewHandler(w, logs.Options{}))
package sink

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/stats"
)

// Limits bound a Writer. Zero fields take the defaults.
type Limits struct {
	Bytes   int           // that wait to be written; default 1 MiB
	Closing time.Duration // the longest that Close waits for them; default 2 s

	// Fallback is told, at most once in ten seconds, that lines cannot be
	// written and why. Default nobody.
	Fallback io.Writer
}

// Writer stands between programs that log and a destination that may be slow,
// stuck or full. Write only copies; a goroutine, which Close ends, writes. What
// finds no room is dropped, whole lines, and counted, and the log itself says
// so as soon as there is room again:
//
//	WARN  log lines dropped               dropped=1234
//
// Each call of Write brings whole lines, as that of a logs.Handler does.
// Methods may be called by any number of goroutines.
type Writer struct {
	out    io.Writer
	limits Limits

	mu      sync.Mutex // guards what follows
	work    sync.Cond  // there is something to write, or the end
	idle    sync.Cond  // nothing is left to write
	waiting []byte
	spare   []byte // of the last batch, to be used again
	writing bool
	closed  bool
	counts  Counts
	told    int64 // of counts.Dropped, in the log

	done    chan struct{}
	dropped *stats.Counter
	written *stats.Counter
}

// Counts say what became of lines: those that are neither written nor dropped
// wait.
type Counts struct {
	Offered, Written, Dropped int64
}

// NewWriter starts a goroutine that writes to out what Write is given. In reg,
// which may be nil, log.written and log.dropped count lines.
func NewWriter(out io.Writer, limits Limits, reg *stats.Registry) *Writer {
	limits.Bytes = cmp.Or(limits.Bytes, 1<<20)
	limits.Closing = cmp.Or(limits.Closing, 2*time.Second)
	w := &Writer{
		out: out, limits: limits, done: make(chan struct{}),
		dropped: reg.Counter("log.dropped"), written: reg.Counter("log.written"),
	}
	w.work.L, w.idle.L = &w.mu, &w.mu
	go w.run()
	return w
}

// Write takes the lines in p, or counts them as dropped. It never waits and
// never fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := lines(p)
	w.counts.Offered += n
	if w.closed || len(w.waiting)+len(p) > w.limits.Bytes {
		w.drop(n)
		return len(p), nil
	}
	w.waiting = append(w.waiting, p...)
	if !w.writing {
		w.work.Signal()
	}
	return len(p), nil
}

func (w *Writer) drop(n int64) {
	w.counts.Dropped += n
	w.dropped.Add(n)
}

func lines(p []byte) int64 {
	n := int64(bytes.Count(p, []byte("\n")))
	if len(p) > 0 && p[len(p)-1] != '\n' {
		n++
	}
	return n
}

// Counts returns what has become of lines so far.
func (w *Writer) Counts() Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

// File is the file that is written to in the end, or nil, so that
// logs.IsTerminal can see through.
func (w *Writer) File() *os.File {
	f, _ := w.out.(*os.File)
	return f
}

// Flush waits until all that was written before has left, or ctx ends.
func (w *Writer) Flush(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.idle.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) > 0 || w.writing {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.idle.Wait()
	}
	return nil
}

// Close writes what waits, for at most Limits.Closing, and ends. What comes
// later is dropped. If the destination is stuck in a Write that nothing can
// end, the goroutine stays with it, and Close returns os.ErrDeadlineExceeded.
// The destination is not closed.
func (w *Writer) Close() error {
	w.mu.Lock()
	w.closed = true
	w.work.Signal()
	w.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-time.After(w.limits.Closing):
	}
	if d, ok := w.out.(interface{ SetWriteDeadline(time.Time) error }); ok && d.SetWriteDeadline(time.Now()) == nil {
		<-w.done // since it can be interrupted
	}
	return os.ErrDeadlineExceeded
}

// run writes batch after batch until Close.
func (w *Writer) run() {
	defer close(w.done)
	var broken failing
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.waiting) == 0 && !w.closed {
			w.idle.Broadcast()
			w.work.Wait()
		}
		if len(w.waiting) == 0 {
			return
		}
		told := w.told
		batch := w.notice(w.waiting)
		w.waiting, w.writing = w.spare[:0], true
		w.mu.Unlock()
		n, err := w.write(&broken, batch)
		w.mu.Lock()
		w.writing, w.spare = false, batch[:0]
		lost := lines(batch[n:])
		w.counts.Written += lines(batch) - lost
		w.written.Add(lines(batch) - lost)
		w.drop(lost)
		if lost > 0 {
			w.told = told // what has been said of it may be among what was lost
		}
		if w.closed && err != nil {
			w.drop(lines(w.waiting))
			return
		}
		w.idle.Broadcast()
	}
}

// notice adds a line about those that were dropped, which counts as one that
// was offered.
func (w *Writer) notice(batch []byte) []byte {
	missing := w.counts.Dropped - w.told
	if missing == 0 {
		return batch
	}
	w.told = w.counts.Dropped
	w.counts.Offered++
	return record(batch, slog.LevelWarn, "log lines dropped", slog.Int64("dropped", missing))
}

// record appends a line of our own.
func record(b []byte, level slog.Level, msg string, attrs ...slog.Attr) []byte {
	out := bytes.NewBuffer(b)
	r := slog.NewRecord(time.Now(), level, msg, 0)
	r.AddAttrs(attrs...)
	_ = logs.NewHandler(out, logs.Options{}).Handle(context.Background(), r) // a Buffer takes everything
	return out.Bytes()
}

// failing remembers how writing went.
type failing struct {
	torn bool // the last line that was written lacks its end
	told time.Time
}

// write writes a batch and returns the length of the whole lines that have been
// written.
func (w *Writer) write(f *failing, batch []byte) (whole int, err error) {
	if f.torn {
		if _, err = w.out.Write([]byte("\n")); err == nil {
			f.torn = false
		}
	}
	n := 0
	if err == nil {
		n, err = w.out.Write(batch)
	}
	if err == nil {
		return len(batch), nil
	}
	n = max(0, min(n, len(batch)))
	whole = bytes.LastIndexByte(batch[:n], '\n') + 1
	f.torn = f.torn || whole < n
	if w.limits.Fallback != nil && time.Since(f.told) > 10*time.Second {
		f.told = time.Now()
		_, _ = w.limits.Fallback.Write(record(nil, slog.LevelError, "log cannot be written", slog.Any("error", err)))
	}
	return whole, err
}
