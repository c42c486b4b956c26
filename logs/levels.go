package logs

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Levels decide at run time which records are written: of everything, of a
// package or of a request, for good or for a time. The zero Levels lets
// through slog.LevelInfo and above. Its methods may be called by any number of
// goroutines.
type Levels struct {
	base  atomic.Int64 // a slog.Level
	least atomic.Int64 // the lowest of base and packages
	some  atomic.Bool  // there are packages
	asked atomic.Int64 // requests that have a level of their own

	mu       sync.Mutex // guards what follows
	all      setting
	lasting  slog.Level // of everything, when the time of all is over
	packages map[string]setting
	keys     map[string]setting
}

// setting is a level that may come to an end.
type setting struct {
	level slog.Level
	timer *time.Timer // resets it; nil if nothing does
	until time.Time
}

// Level is the level of everything that has none of its own.
func (l *Levels) Level() slog.Level { return slog.Level(l.base.Load()) }

// SetAll sets the level of everything: for a time, after which it is again what
// it was set to for good, or for good if that is 0.
func (l *Levels) SetAll(level slog.Level, howLong time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.stop()
	l.all = setting{level: level}
	if howLong > 0 {
		l.all.until = time.Now().Add(howLong)
		l.all.timer = time.AfterFunc(howLong, l.resetAll)
	} else {
		l.lasting = level
	}
	l.settle()
}

func (l *Levels) resetAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.all.until) {
		return // it has been set anew just now
	}
	l.all = setting{level: l.lasting}
	l.settle()
}

// SetPackage sets the level of records that are made in a package, by its
// import path, and in those below it: for a time, or for good if that is 0.
// It can be lower and higher than that of everything.
func (l *Levels) SetPackage(path string, level slog.Level, howLong time.Duration) {
	l.set(&l.packages, path, level, howLong)
}

// Reset takes back what SetPackage has set.
func (l *Levels) Reset(path string) { l.reset(&l.packages, path) }

// SetKey sets the level of requests that bring key, see ForKey, for a time that
// must not be 0.
func (l *Levels) SetKey(key string, level slog.Level, howLong time.Duration) {
	l.set(&l.keys, key, level, max(howLong, time.Nanosecond))
}

func (l *Levels) set(m *map[string]setting, name string, level slog.Level, howLong time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *m == nil {
		*m = make(map[string]setting)
	}
	(*m)[name].stop()
	s := setting{level: level}
	if howLong > 0 {
		s.until = time.Now().Add(howLong)
		s.timer = time.AfterFunc(howLong, func() { l.reset(m, name) })
	}
	(*m)[name] = s
	l.settle()
}

func (l *Levels) reset(m *map[string]setting, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	(*m)[name].stop()
	delete(*m, name)
	l.settle()
}

func (s setting) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// settle works out what Enabled looks at.
func (l *Levels) settle() {
	least := l.all.level
	for _, p := range l.packages {
		least = min(least, p.level)
	}
	l.base.Store(int64(l.all.level))
	l.some.Store(len(l.packages) > 0)
	l.least.Store(int64(least))
}

// Override is a level that has been set.
type Override struct {
	Package string // "" is everything
	Level   slog.Level
	Until   time.Time // zero is for good
}

// Overrides lists what is set, everything first. Keys, which are secrets, are
// not shown.
func (l *Levels) Overrides() []Override {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []Override{{"", l.all.level, l.all.until}}
	for path, s := range l.packages {
		list = append(list, Override{path, s.level, s.until})
	}
	slices.SortFunc(list, func(a, b Override) int { return strings.Compare(a.Package, b.Package) })
	return list
}

type levelKey struct{}

// ForRequest returns a context whose records are written from that level on,
// until ctx ends, which it must some time.
func (l *Levels) ForRequest(ctx context.Context, level slog.Level) context.Context {
	l.asked.Add(1)
	context.AfterFunc(ctx, func() { l.asked.Add(-1) })
	return context.WithValue(ctx, levelKey{}, level)
}

// ForKey is ForRequest with the level that SetKey has given to key. If it has
// not, or the time is over, ForKey returns ctx.
func (l *Levels) ForKey(ctx context.Context, key string) context.Context {
	l.mu.Lock()
	s, ok := l.keys[key]
	l.mu.Unlock()
	if !ok {
		return ctx
	}
	return l.ForRequest(ctx, s.level)
}

// Handler returns a handler that passes to next what the levels let through.
// What next itself lets through does not matter.
func (l *Levels) Handler(next slog.Handler) slog.Handler { return levelled{l, next} }

type levelled struct {
	levels *Levels
	next   slog.Handler
}

// Enabled has no place in the source to go by: where packages have levels of
// their own, Handle decides.
func (h levelled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.Level(h.levels.least.Load()) || h.levels.wants(ctx, level)
}

// wants says whether the request of ctx has asked for records of that level.
func (l *Levels) wants(ctx context.Context, level slog.Level) bool {
	if ctx == nil || l.asked.Load() == 0 {
		return false
	}
	least, ok := ctx.Value(levelKey{}).(slog.Level)
	return ok && level >= least
}

func (h levelled) Handle(ctx context.Context, r slog.Record) error {
	if h.levels.some.Load() && r.Level < h.levels.of(r.PC) && !h.levels.wants(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// of is the level of the package that pc is in.
func (l *Levels) of(pc uintptr) slog.Level {
	path := ""
	if pc != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		path = packageOf(frame.Function)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for path != "" {
		if s, ok := l.packages[path]; ok {
			return s.level
		}
		path = path[:max(0, strings.LastIndexByte(path, '/'))]
	}
	return l.all.level
}

// packageOf is the import path in the name of a function, such as
// "example.com/a/b.(*T).M".
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[slash:], '.')
	if dot < 0 {
		return function
	}
	return function[:slash+dot]
}

func (h levelled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelled{h.levels, h.next.WithAttrs(attrs)}
}

func (h levelled) WithGroup(name string) slog.Handler {
	return levelled{h.levels, h.next.WithGroup(name)}
}
