// Package logs is for log/slog: records that a person can read and a program
// can read back, and actions, which are units of work with an outcome.
//
//	slog.SetDefault(slog.New(logs.NewHandler(os.Stderr, logs.Options{})))
//
//	func charge(ctx context.Context, card string, amount int) (err error) {
//		action := logs.Begin(ctx, "charge card", "amount", amount)
//		defer action.End(&err)
//		...
//	}
//
// A record is one line: when, how important, what, and the attributes. Colour,
// which a terminal gets, is no part of it.
//
//	2026-11-22T07:12:03.123456Z INFO  charge card                     outcome=success took=12.3ms amount=7
//
// Whatever an attribute holds, it cannot end the line, move the cursor or turn
// the reading direction: all that a terminal would not print is escaped. Parse
// gives the record back, with numbers as numbers and times as times. See
// docs/logging.md for the grammar.
package logs

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a Handler writes. Zero fields take the defaults.
type Options struct {
	Level  slog.Leveler // the least that is written; default slog.LevelInfo; see Levels
	JSON   bool         // as slog.JSONHandler does, rather than for people
	Color  Color        // default for terminals only
	Source bool         // adds where in the source a record comes from

	MaxValue  int // bytes of a message, key or value, the rest is left out and counted; default 8 KiB
	MaxRecord int // bytes after which no more attributes are added to a record; default 64 KiB

	// Secret names further attributes whose values are masked, beside those
	// that IsSecret knows.
	Secret func(key string) bool

	// Trace returns the trace and span of ctx, which become attributes; default
	// those that NewRequest has been given. For OpenTelemetry:
	//
	//	func(ctx context.Context) (trace, span string) {
	//		if s := oteltrace.SpanContextFromContext(ctx); s.IsValid() {
	//			return s.TraceID().String(), s.SpanID().String()
	//		}
	//		return "", ""
	//	}
	Trace func(ctx context.Context) (trace, span string)
}

// Handler writes records to an io.Writer, each with a single call of Write and
// one at a time. Get it from NewHandler. It is a slog.Handler.
type Handler struct {
	options Options
	color   bool
	shared  *shared

	// What With and WithGroup have set, as it is written.
	attrs   []byte   // text: " k=v" of each; JSON: up to where record's own go
	prefix  string   // text: of each key
	pending []string // JSON: groups that are opened by the first attribute in them
	opened  int      // JSON: groups to be closed
}

// shared is common to a handler and those derived from it.
type shared struct {
	out    io.Writer
	mu     sync.Mutex // one Write at a time
	pool   sync.Pool  // of *buffer
	second atomic.Pointer[second]
}

// buffer is where a record is put together.
type buffer struct{ b []byte }

// maxKept bounds the buffers that are kept for the next record.
const maxKept = 16 << 10

// NewHandler returns a handler that writes to out.
func NewHandler(out io.Writer, options Options) *Handler {
	if options.Level == nil {
		options.Level = slog.LevelInfo
	}
	if options.MaxValue <= 0 {
		options.MaxValue = 8 << 10
	}
	if options.MaxRecord <= 0 {
		options.MaxRecord = 64 << 10
	}
	return &Handler{
		options: options,
		color:   !options.JSON && options.Color.of(out),
		shared:  &shared{out: out},
	}
}

// Enabled says whether a record of that level is written.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.options.Level.Level()
}

// Handle writes r.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	s := h.shared
	buf, _ := s.pool.Get().(*buffer)
	if buf == nil {
		buf = &buffer{make([]byte, 0, 1024)}
	}
	b := buf.b[:0]
	if h.options.JSON {
		b = h.appendJSON(b, ctx, &r)
	} else {
		b = h.appendText(b, ctx, &r)
	}
	s.mu.Lock()
	_, err := s.out.Write(b)
	s.mu.Unlock()
	if cap(b) <= maxKept {
		buf.b = b
		s.pool.Put(buf)
	}
	return err
}

// WithAttrs returns a handler that adds attrs to each record.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	c := *h
	c.attrs = slices.Clip(h.attrs)
	if !h.options.JSON {
		for _, a := range attrs {
			c.attrs = c.appendAttr(c.attrs, c.prefix, a, 0)
		}
		return &c
	}
	j := jsonRecord{Handler: &c, b: c.attrs, pending: c.pending, opened: c.opened}
	for _, a := range attrs {
		j.attr(a, 0)
	}
	c.attrs, c.pending, c.opened = j.b, j.pending, j.opened
	return &c
}

// WithGroup returns a handler that puts what comes later into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	if h.masks(name) {
		c.options.Secret = func(string) bool { return true } // all that is in it
	}
	if h.options.JSON {
		c.pending = append(slices.Clip(h.pending), name)
		return &c
	}
	c.prefix = string(c.appendPrefix(nil, h.prefix, name))
	return &c
}

// second is a time up to the second as it is written, which the records of that
// second share.
type second struct {
	unix   int64
	loc    *time.Location
	date   string // "2026-11-22T"
	clock  string // "07:12:03."
	offset string // "Z", or "+01:00"
}

// secondOf returns the second of t, or nil if t has no form in RFC 3339.
func (s *shared) secondOf(t time.Time) *second {
	unix, loc := t.Unix(), t.Location()
	if c := s.second.Load(); c != nil && c.unix == unix && c.loc == loc {
		return c
	}
	local := presentable(t)
	if y := local.Year(); y < 0 || y > 9999 {
		return nil
	}
	c := &second{unix, loc, local.Format("2006-01-02T"), local.Format("15:04:05."), local.Format("Z07:00")}
	s.second.Store(c)
	return c
}

// presentable is t with an offset of whole minutes, as RFC 3339 wants it.
func presentable(t time.Time) time.Time {
	if _, offset := t.Zone(); offset%60 != 0 || offset <= -24*3600 || offset >= 24*3600 {
		return t.UTC()
	}
	return t
}
