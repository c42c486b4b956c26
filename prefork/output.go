package prefork

import (
	"bufio"
	"io"
	"strings"
	"sync"
)

// Line is a line that a process of a group has written to its standard output
// or error.
type Line struct {
	Role string
	Slot int
	PID  int
	Err  bool   // standard error, rather than output
	Text []byte // without its end; must not be kept. A line longer than 128 KiB comes in parts
	Over bool   // there are no more lines of this stream; Text is empty
}

// longestLine bounds a line that is taken as one: more than a record of package
// logs has.
const longestLine = 128 << 10

// readLines gives each line that comes from r to each, until r ends.
func readLines(r io.Reader, each func(text []byte)) {
	in := bufio.NewReaderSize(r, longestLine)
	for {
		text, err := in.ReadSlice('\n')
		if n := len(text); n > 0 && text[n-1] == '\n' {
			each(text[:n-1])
		} else if n > 0 {
			each(text)
		}
		if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // bufio returns it as it is
			return
		}
	}
}

// lastLines keeps the end of what a process has written.
type lastLines struct {
	mu    sync.Mutex
	lines []string
	size  int
}

// What is kept of the last lines: so much that a death can be understood, and
// so little that a hundred deaths are cheap.
const (
	maxLastLines = 4 << 10 // bytes of all
	maxLastLine  = 1 << 10 // bytes of one
)

func (l *lastLines) add(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := string(text[:min(len(text), maxLastLine)])
	l.lines = append(l.lines, line)
	l.size += len(line) + 1
	drop := 0
	for l.size > maxLastLines {
		l.size -= len(l.lines[drop]) + 1
		drop++
	}
	if drop > 0 {
		l.lines = append(l.lines[:0], l.lines[drop:]...)
	}
}

func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
