package sink

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/support-go/support/logs"
)

// Records returns a writer that reads the records in lines back and gives them
// to h: to be written as JSON, say, or in colour. A line that is no record, such
// as one that was printed, becomes one with the line as its message.
func Records(h slog.Handler) io.Writer { return records{h} }

type records struct{ handler slog.Handler }

func (w records) Write(p []byte) (int, error) {
	return eachLine(p, func(line string) error {
		r, err := logs.Parse(line)
		if err != nil {
			r = slog.NewRecord(time.Now(), slog.LevelInfo, line, 0)
		}
		ctx := context.Background()
		if !w.handler.Enabled(ctx, r.Level) {
			return nil
		}
		return w.handler.Handle(ctx, r)
	})
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
