package logs

import (
	"io"
	"log/slog"
	"os"
)

// Color says when a Handler colours what it writes for people.
type Color int

// The answers to when.
const (
	ColorOnTerminals Color = iota // unless the environment has NO_COLOR, or TERM is dumb
	ColorNever
	ColorAlways
)

func (c Color) of(out io.Writer) bool {
	switch c {
	case ColorNever:
		return false
	case ColorAlways:
		return true
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && IsTerminal(out)
}

// IsTerminal says whether out is a terminal, or has a method File that gives
// one, as a writer in front of a terminal may.
func IsTerminal(out io.Writer) bool {
	if behind, ok := out.(interface{ File() *os.File }); ok {
		out = behind.File()
	}
	f, ok := out.(*os.File)
	return ok && f != nil && isTerminal(f)
}

// What sets the colours of a terminal. All of them are readable on light and
// dark.
const (
	plain    = "\x1b[0m"
	bold     = "\x1b[1m"
	dim      = "\x1b[2m"
	red      = "\x1b[31m"
	green    = "\x1b[32m"
	yellow   = "\x1b[33m"
	cyan     = "\x1b[36m"
	keyColor = dim
)

func levelColor(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return bold + red
	case level >= slog.LevelWarn:
		return bold + yellow
	case level >= slog.LevelInfo:
		return green
	}
	return cyan
}

// valueColor points out what went wrong.
func valueColor(key string, v slog.Value) string {
	switch {
	case key == "error":
		return red
	case key != outcomeKey || v.Kind() != slog.KindString:
		return ""
	}
	switch Outcome(v.String()) {
	case Success:
		return green
	case Warning:
		return yellow
	}
	return red
}
