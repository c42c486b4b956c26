package requests

import (
	"bytes"
	"errors"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
)

// ErrTooMany says that there are too many goroutines to look for one.
var ErrTooMany = errors.New("requests: there are more than 100,000 goroutines, which would take too long to look through")

const maxGoroutines = 100_000

// Stack is where a goroutine is.
type Stack struct {
	Handler bool    `json:"handler"` // it runs the handler, rather than what that has started
	Count   int     `json:"count"`   // goroutines that are there
	Frames  []Frame `json:"frames"`  // innermost first
}

// Frame is a call on a Stack.
type Frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// within leaves out what has called the handler.
func (s Stack) within() Stack {
	for i, f := range s.Frames {
		if strings.HasSuffix(f.Function, handlerFrame) {
			s.Frames = s.Frames[:i]
			break
		}
	}
	return s
}

// String is the stack on one line, from the inside out.
func (s Stack) String() string {
	var b strings.Builder
	for i, f := range s.Frames {
		if i > 0 {
			b.WriteString(" < ")
		}
		b.WriteString(f.Function[strings.LastIndexByte(f.Function, '/')+1:] + " " + f.File[strings.LastIndexByte(f.File, '/')+1:] + ":" + strconv.Itoa(f.Line))
	}
	return b.String()
}

// Stacks returns where the goroutines are that work on a running request, that
// of the handler first. The others are those that it has started, or that an
// earlier request has left behind. A handler that has set pprof labels of its
// own, and not those of its context again, is not found.
//
// It takes 1.6 µs for each goroutine of the process, and stops them all for some
// 30 µs: it is for one request that somebody asks about. The error is
// ErrNotRunning or ErrTooMany.
func (rec *Recorder) Stacks(id ID) ([]Stack, error) {
	v := rec.visits.find(id)
	if v == nil || !v.runs(id) {
		return nil, ErrNotRunning
	}
	if runtime.NumGoroutine() > maxGoroutines {
		return nil, ErrTooMany
	}
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return nil, err
	}
	if !v.runs(id) { // what has been found may be the next request's
		return nil, ErrNotRunning
	}
	return parseStacks(text.String(), rec.slotName(v.slot)), nil
}

// runs says whether v still handles the request of that ID.
func (v *visit) runs(id ID) (same bool) {
	v.show(func() { same = v.id() == id })
	return same
}

// slotLabel is the label of goroutines that handle a request. Its value names
// the visit, so there are as many as there are requests at once.
const slotLabel = "request_slot"

// slotName is what slotLabel says: recorders number their visits alike.
func (rec *Recorder) slotName(slot uint32) string {
	return strconv.FormatUint(uint64(rec.mark), 36) + "." + strconv.FormatUint(uint64(slot), 36)
}

// handlerFrame is in each stack that runs a handler.
const handlerFrame = "/requests.(*handler).ServeHTTP"

// parseStacks finds the stacks with that slot in a goroutine profile in text: for
// each a line "count @ addresses", one of labels, and one for each frame,
// "#	address	function+offset	file:line".
func parseStacks(text, slot string) []Stack {
	var found []Stack
	label := strconv.Quote(slotLabel) + ":" + strconv.Quote(slot)
	for block := range strings.SplitSeq(text, "\n\n") {
		_, rest, labelled := strings.Cut(block, "\n# labels: {")
		labels, frames, _ := strings.Cut(rest, "}\n")
		if !labelled || !strings.Contains(labels, label) {
			continue
		}
		head, _, _ := strings.Cut(block, " @ ")
		s := Stack{Frames: parseFrames(frames)}
		s.Count, _ = strconv.Atoi(head[strings.LastIndexByte(head, '\n')+1:])
		for _, f := range s.Frames {
			s.Handler = s.Handler || strings.HasSuffix(f.Function, handlerFrame)
		}
		if s.Handler {
			found = append([]Stack{s}, found...)
		} else {
			found = append(found, s)
		}
	}
	return found
}

func parseFrames(text string) []Frame {
	frames := []Frame{}
	for line := range strings.Lines(text) {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == '\t' || r == '\n' })
		if len(fields) != 4 || fields[0] != "#" {
			continue
		}
		function, _, _ := strings.Cut(fields[2], "+0x")
		if function == "" {
			continue
		}
		file, number, _ := cutLastByte(fields[3], ':')
		n, _ := strconv.Atoi(number)
		frames = append(frames, Frame{Function: function, File: file, Line: n})
	}
	return frames
}

func cutLastByte(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
