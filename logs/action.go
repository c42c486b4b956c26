package logs

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Outcome says how an action ended. It is not how important that is, which is
// the level: a failure may be all in a day's work, and a success be crucial.
type Outcome string

// The outcomes of an action.
const (
	Success Outcome = "success"
	Warning Outcome = "warning" // it has done what it should, but not as it should
	Failure Outcome = "failure" // it could not be done, and says why
	Error   Outcome = "error"   // the program is at fault: it has panicked
)

// The names of the attributes that an action adds.
const (
	outcomeKey = "outcome"
	tookKey    = "took"
	parentKey  = "parent"
	errorKey   = "error"
	warningKey = "warning"
	stackKey   = "stack"
)

// Action is a unit of work, and becomes one record when it ends. It comes from
// Begin. Its methods may be called by any number of goroutines; a nil Action
// does nothing.
type Action struct {
	name  string
	began time.Time
	pc    uintptr

	emit   func(slog.Record) // to the logger, in the context of Begin
	tally  *tally
	parent *Action

	mu      sync.Mutex // guards what follows
	ended   bool
	level   slog.Level
	outcome Outcome
	attrs   []slog.Attr
}

// Begin begins an action of that name, which should be constant: what varies is
// for args, which are those of slog.Logger.Log. The logger, the registry in
// which it is counted, and the request come from ctx, and so does the parent,
// if ctx comes from another action's Within.
//
// Whoever begins an action ends it:
//
//	defer action.End(&err)
func Begin(ctx context.Context, name string, args ...any) *Action {
	a := &Action{name: name, level: slog.LevelInfo}
	h := From(ctx).Handler()
	a.emit = func(r slog.Record) {
		if h.Enabled(ctx, r.Level) {
			_ = h.Handle(ctx, r) // there is nobody to tell
		}
	}
	if s, _ := ctx.Value(scopeKey{}).(*scope); s != nil {
		a.tally = s.tally
	}
	a.parent, _ = ctx.Value(actionKey{}).(*Action)
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:]) // 2 skips itself and Begin
	a.pc = pcs[0]
	a.attrs = attrsOf(args)
	a.began = time.Now()
	return a
}

// attrsOf is what slog makes of the arguments of a call.
func attrsOf(args []any) []slog.Attr { return slog.Group("", args...).Value.Group() }

// Within returns a context of which the actions have a as their parent.
func (a *Action) Within(ctx context.Context) context.Context {
	if a == nil {
		return ctx
	}
	return context.WithValue(ctx, actionKey{}, a)
}

// Set adds attributes, in the form of those of slog.Logger.Log.
func (a *Action) Set(args ...any) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attrs = append(a.attrs, attrsOf(args)...)
}

// Level sets how important the action is; without it, slog.LevelInfo. A warning
// and a failure are at least slog.LevelWarn, and a panic slog.LevelError.
func (a *Action) Level(level slog.Level) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.level = level
}

// Warn makes the outcome a warning, unless it gets worse, and says why.
func (a *Action) Warn(why string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcome = Warning
	a.attrs = append(a.attrs, slog.String(warningKey, why))
}

// End ends the action: as a failure if *err is an error, else as a success or
// as Warn has said. It must be deferred itself, since it is then that it sees a
// panic, which it records with its stack and passes on. err may be nil. Only
// the first End counts.
func (a *Action) End(err *error) {
	if a == nil {
		return
	}
	p := recover()
	if p != nil {
		a.end(Error, slog.String(errorKey, panicked(p)), slog.String(stackKey, Stack(3)))
		panic(p)
	}
	if err != nil && *err != nil {
		a.end(Failure, slog.Any(errorKey, *err))
		return
	}
	a.end(Success)
}

func (a *Action) end(outcome Outcome, why ...slog.Attr) {
	if r, ok := a.record(outcome, why); ok {
		a.emit(r) // without the lock: attributes may call the action's methods
	}
}

// record is what there is to say of an action, once.
func (a *Action) record(outcome Outcome, why []slog.Attr) (r slog.Record, ok bool) {
	took := time.Since(a.began)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return r, false
	}
	a.ended = true
	if outcome == Success && a.outcome != "" {
		outcome = a.outcome
	}
	a.tally.count(a.name, outcome, took)
	r = slog.NewRecord(a.began.Add(took), max(a.level, outcome.level()), a.name, a.pc)
	r.AddAttrs(slog.String(outcomeKey, string(outcome)), slog.Duration(tookKey, took))
	r.AddAttrs(why...)
	r.AddAttrs(a.attrs...)
	if a.parent != nil {
		r.AddAttrs(slog.String(parentKey, a.parent.name))
	}
	return r, true
}

// level is the least with which an action of that outcome is written.
func (o Outcome) level() slog.Level {
	switch o {
	case Warning, Failure:
		return slog.LevelWarn
	case Error:
		return slog.LevelError
	}
	return slog.LevelDebug - 100 // whatever the action has
}

// Stack is the stack of the caller on one line, from the inside out: function,
// file and line of each frame, without those of the runtime, and of at most 24
// frames. It leaves out skip frames; 0 is the caller of Stack.
//
//	main.charge main.go:12 < main.(*shop).ServeHTTP shop.go:44
func Stack(skip int) string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip+2, pcs[:])])
	var b strings.Builder
	for kept := 0; kept < 24; {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			if kept > 0 {
				b.WriteString(" < ")
			}
			b.WriteString(frameText(f.Function, f.File, f.Line))
			kept++
		}
		if !more {
			break
		}
	}
	return b.String()
}
