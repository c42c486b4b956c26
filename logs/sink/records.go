package sink

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/support-go/support/logs"
)

// Records reads the records in lines back and gives them to a handler: to be
// written as JSON, say, or in colour. A line that is no record, such as one that
// was printed, becomes one with the line as its message; and the stack of a
// goroutine, which the runtime prints over many lines, becomes one. It is an
// io.Writer, for one goroutine at a time.
type Records struct {
	Handler slog.Handler // required
	Printed slog.Level   // of lines that are no records; default slog.LevelInfo

	stack  []string // of which the end has not come
	length int      // of stack
}

// maxStack bounds the bytes of a stack that is put together.
const maxStack = 16 << 10

// Write takes whole lines.
func (w *Records) Write(p []byte) (int, error) {
	return eachLine(p, func(line string) error {
		r, err := logs.Parse(line)
		if err != nil {
			return w.printed(line)
		}
		return errors.Join(w.Flush(), w.handle(r))
	})
}

func (w *Records) handle(r slog.Record) error {
	ctx := context.Background()
	if !w.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

// printed takes a line that is no record.
func (w *Records) printed(line string) error {
	begins := strings.HasPrefix(line, "goroutine ") && strings.HasSuffix(line, "]:") && strings.Contains(line, " [")
	if len(w.stack) > 0 && !begins && line != "" && w.length < maxStack {
		w.stack = append(w.stack, line)
		w.length += len(line)
		return nil
	}
	err := w.Flush()
	switch {
	case begins:
		w.stack, w.length = append(w.stack, line), len(line)
		return err
	case strings.TrimSpace(line) == "":
		return err
	}
	level := w.Printed
	if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
		level = slog.LevelError
	}
	return errors.Join(err, w.handle(slog.NewRecord(time.Now(), level, line, 0)))
}

// Flush gives out a stack that has not come to its end.
func (w *Records) Flush() error {
	if len(w.stack) == 0 {
		return nil
	}
	number, rest, _ := strings.Cut(strings.TrimPrefix(w.stack[0], "goroutine "), " ")
	state := strings.TrimSuffix(rest[strings.IndexByte(rest, '['):], ":") // without addresses, which may stand before
	r := slog.NewRecord(time.Now(), w.Printed, "goroutine "+number+" "+state, 0)
	r.AddAttrs(slog.String("stack", foldStack(w.stack[1:])))
	w.stack = w.stack[:0]
	return w.handle(r)
}

// foldStack joins the lines of a stack as logs.Stack would have written it.
func foldStack(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		if place, found := strings.CutPrefix(line, "\t"); found {
			place, _, _ = strings.Cut(place, " +0x")
			b.WriteString(" " + place[strings.LastIndexByte(place, '/')+1:])
			continue
		}
		if b.Len() > 0 {
			b.WriteString(" < ")
		}
		if i := strings.LastIndexByte(line, '('); i > 0 && !strings.HasPrefix(line, "created by ") {
			line = line[:i] // arguments, which are but numbers
		}
		b.WriteString(line[strings.LastIndexByte(line, '/')+1:])
	}
	return b.String()
}

// eachLine gives the lines in p to do, and returns the length of those with
// which it succeeded.
func eachLine(p []byte, do func(line string) error) (int, error) {
	done := 0
	for done < len(p) {
		line, _, _ := bytes.Cut(p[done:], []byte("\n"))
		if err := do(string(line)); err != nil {
			return done, err
		}
		done = min(len(p), done+len(line)+1)
	}
	return done, nil
}

// errTooLong is the error of a line that no datagram can hold.
var errTooLong = errors.New("sink: line too long")

// priority is the severity of a level in the words of syslog.
func priority(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo:
		return 6
	}
	return 7
}

// oneWord is s without what ends a field of a header; "-" if nothing is left.
func oneWord(s string, limit int) string {
	word := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	if word == "" {
		return "-"
	}
	return word[:min(len(word), limit)]
}
