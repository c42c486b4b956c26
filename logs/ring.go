package logs

import (
	"bytes"
	"cmp"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Ring keeps the last lines that Handlers have written, and counts records by
// where in the source they come from. It is an io.Writer for a Handler of text,
// and a handler before it, either of which may be left out:
//
//	ring := &logs.Ring{}
//	h := ring.Handler(logs.NewHandler(io.MultiWriter(os.Stderr, ring), logs.Options{}))
//
// Lines of different importance do not push each other out. The zero Ring is
// ready. Its methods may be called by any number of goroutines.
type Ring struct {
	Size int // lines of each level; default 200; must not change once there is one

	mu    sync.Mutex
	seq   uint64
	lanes [4]lane // debug, info, warn, error, and what is between with the lower
	sites map[site]*siteCount
}

// lane has the last lines of a level.
type lane struct {
	lines []kept
	next  int
}

type kept struct {
	seq  uint64 // in the order of all lanes
	text []byte
}

const maxLine = 4 << 10 // bytes of a line that is kept

// Write keeps the lines in p. It never fails.
func (r *Ring) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for rest := p; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		r.keep(line)
	}
	return len(p), nil
}

func (r *Ring) keep(line []byte) {
	if bytes.IndexByte(line, '\x1b') >= 0 {
		line = []byte(uncolored(string(line)))
	}
	l := &r.lanes[laneOf(levelIn(line))]
	size := cmp.Or(max(0, r.Size), 200)
	if len(l.lines) < size {
		l.lines = append(l.lines, kept{})
	}
	k := &l.lines[l.next]
	l.next = (l.next + 1) % size
	r.seq++
	k.seq = r.seq
	k.text = append(k.text[:0], line[:min(len(line), maxLine)]...)
}

// levelIn finds the level of a line.
func levelIn(line []byte) []byte {
	if len(line) > 0 && line[0] >= '0' && line[0] <= '9' {
		_, line, _ = bytes.Cut(line, []byte(" "))
	}
	level, _, _ := bytes.Cut(line, []byte(" "))
	return level
}

func laneOf(level []byte) int {
	switch {
	case bytes.HasPrefix(level, []byte("DEBUG")):
		return 0
	case bytes.HasPrefix(level, []byte("WARN")):
		return 2
	case bytes.HasPrefix(level, []byte("ERROR")):
		return 3
	}
	return 1
}

// Lines returns the last lines from that level on, the oldest first, without
// colour and each at most 4 KiB.
func (r *Ring) Lines(from slog.Level) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []kept
	for _, l := range r.lanes[laneOf([]byte(from.String())):] {
		all = append(all, l.lines...)
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(a.seq, b.seq) })
	lines := make([]string, len(all))
	for i, k := range all {
		lines[i] = string(k.text)
	}
	return lines
}

// uncolored takes the colours of a Handler out of a line. In what comes from
// data there is no escape.
func uncolored(line string) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(line, "\x1b[")
		b.WriteString(text)
		if !found {
			return b.String()
		}
		i := 0
		for i < len(rest) && (rest[i] >= '0' && rest[i] <= '9') {
			i++
		}
		if i == len(rest) || rest[i] != 'm' {
			b.WriteString("\x1b[")
			line = rest
			continue
		}
		line = rest[i+1:]
	}
}
