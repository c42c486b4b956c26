package support

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/support-go/support/logs"
	"github.com/support-go/support/logs/access"
	"github.com/support-go/support/logs/sink"
	"github.com/support-go/support/prefork"
)

// Logs says what a group logs, and, if Main runs it and Log is nil, how and
// where to. The zero Logs has lines for people on standard error, in colour if
// that is a terminal, or in the journal of systemd if that is where standard
// error leads; and no record of each request.
type Logs struct {
	Options  logs.Options  // what a record looks like, and from which level on there is one
	File     string        // in place of standard error; one that cannot be opened is told there
	Rotation sink.Rotation // of File

	// To takes the lines of all processes in place of standard error and the
	// journal, if File is "": a sink.Syslog, say. It may be slow. The group
	// writes to it from one process at a time, and does not close it.
	To io.Writer

	// Access records what HTTP servers answer, gives each request an id, and
	// answers 500 for handlers that panic. Its Stats and Levels are the group's
	// if they are nil. Default nothing of that.
	Access *access.Log
}

// logging is what Main sets up in each process of a group.
//
// Each process writes lines of text to its standard error, which its supervisor
// reads. There, or in the only process, they are read back and written as the
// group wants it: so one process has the log file, and rotates it. Nobody on
// the way waits for the next: each source of lines has a bounded buffer of its
// own, which counts what it drops.
type logging struct {
	config Logs
	own    *sink.Writer  // what this process logs
	final  slog.Handler  // where lines of all processes end; nil in children
	file   *sink.File    // of final, if any
	books  *logs.Repeats // of this process

	fallback io.Writer // is told if final cannot be written; nil if that is standard error

	mu      sync.Mutex // guards what follows
	line    []byte     // the line that is taken
	sources map[stream]*source
	closing sync.WaitGroup
}

// stream is an output of a process.
type stream struct {
	pid int
	err bool
}

// source takes the lines of a stream.
type source struct {
	writer  *sink.Writer
	records *sink.Records
}

// newLogging prepares the logging of this process, which is a child of a
// supervisor or not.
func (g *Group) newLogging(child bool) (*logging, *slog.Logger) {
	l := &logging{config: g.Logs, sources: make(map[stream]*source)}
	if level := g.Logs.Options.Level; level != nil {
		g.Levels.SetAll(level.Level(), 0)
	}
	if child {
		l.own = sink.NewWriter(os.Stderr, sink.Limits{}, &g.Stats)
	} else {
		l.open(os.Stderr)
		l.own = sink.NewWriter(&sink.Records{Handler: l.final}, sink.Limits{Fallback: l.fallback}, &g.Stats)
	}
	options := g.Logs.Options
	options.JSON, options.Color, options.Level = false, logs.ColorNever, slog.Level(math.MinInt)
	l.books = &logs.Repeats{Next: logs.NewHandler(io.MultiWriter(&g.Recent, l.own), options)}
	return l, slog.New(g.Levels.Handler(g.Recent.Handler(l.books.Handler())))
}

// open opens what is at the end of all lines.
func (l *logging) open(stderr *os.File) {
	options := l.config.Options
	// All of these were heeded where the record was made, and a line is bounded.
	options.Level, options.Source = slog.Level(math.MinInt), false
	options.MaxValue, options.MaxRecord = 1<<20, 1<<20
	var out io.Writer = stderr
	if sink.UnderJournal() {
		out, options.JSON = &sink.Journal{}, false
	}
	if to := l.config.To; to != nil {
		out, l.fallback, options.JSON = to, stderr, l.config.Options.JSON
	}
	if path := l.config.File; path != "" {
		file, err := sink.Open(path, l.config.Rotation)
		if err == nil {
			out, l.file, l.fallback, options.JSON = file, file, stderr, l.config.Options.JSON
		} else {
			defer func() {
				slog.New(l.final).Error("logging to standard error", "error", err)
			}()
		}
	}
	l.final = logs.NewHandler(out, options)
}

// take takes a line that a process has printed.
func (l *logging) take(line prefork.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := stream{line.PID, line.Err}
	s := l.sources[key]
	if line.Over {
		delete(l.sources, key)
		if s != nil {
			l.closing.Go(s.close)
		}
		return
	}
	if s == nil {
		s = l.source(line)
		l.sources[key] = s
	}
	l.line = append(append(l.line[:0], line.Text...), '\n')
	_, _ = s.writer.Write(l.line) // it drops what it cannot take
}

func (l *logging) source(line prefork.Line) *source {
	tag := slog.Int(prefork.WorkerRole, line.Slot)
	if line.Role != prefork.WorkerRole {
		tag = slog.String("process", line.Role)
	}
	s := &source{records: &sink.Records{Handler: l.final.WithAttrs([]slog.Attr{tag})}}
	if line.Err {
		s.records.Printed = slog.LevelWarn
	}
	s.writer = sink.NewWriter(s.records, sink.Limits{Bytes: 256 << 10, Fallback: l.fallback}, nil)
	return s
}

func (s *source) close() {
	if s.writer.Close() == nil {
		_ = s.records.Flush() // there is nobody to tell
	}
}

// survive has the lines of a worker written by itself when its supervisor has
// died.
func (l *logging) survive(w *prefork.Worker) {
	_, stderr := w.Outputs()
	if stderr == nil {
		return
	}
	var once sync.Once
	w.OnOutput(func(line prefork.Line) {
		once.Do(func() { l.open(stderr) })
		l.take(line)
	})
}

// close writes what there is to be written.
func (l *logging) close() {
	l.books.Flush()
	_ = l.own.Close() // or the time is over
	l.mu.Lock()
	for key, s := range l.sources {
		delete(l.sources, key)
		l.closing.Go(s.close)
	}
	l.mu.Unlock()
	l.closing.Wait()
	if l.file != nil {
		_ = l.file.Close()
	}
}

// logs is a context in which records and actions go to where the process's do.
func (p *process) logs() context.Context {
	return logs.NewContext(context.Background(), p.log, &p.group.Stats)
}

// addresses are where p listens.
func (p *process) addresses() string {
	var all []string
	for _, post := range p.posts {
		all = append(all, post.server.Addr().String())
	}
	return strings.Join(all, ",")
}

// accessing puts the access log before the handler of s, unless s shows the
// group.
func (p *process) accessing(s *Server, handler http.Handler) http.Handler {
	if p.group.Logs.Access == nil || s.role == metaRole {
		return handler
	}
	return p.group.Logs.Access.Wrap(handler)
}

// waited tells the access log that waiting is over.
func (p *process) waited(handler http.Handler) http.Handler {
	if p.group.Logs.Access == nil {
		return handler
	}
	return access.Waited(handler)
}

// shareLogs gives the access log what it lacks.
func (g *Group) shareLogs() {
	a := g.Logs.Access
	if a == nil {
		return
	}
	if a.Stats == nil {
		a.Stats = &g.Stats
	}
	if a.Levels == nil {
		a.Levels = &g.Levels
	}
}
