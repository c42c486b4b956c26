// Package goroutines says what the goroutines of this process are doing, by the
// goroutine profile of the runtime, which stops the world for a moment only,
// however many there are, and puts equal stacks together.
package goroutines

import (
	"bytes"
	"errors"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
)

const (
	maxProfile = 8 << 20 // bytes of all stacks; what is beyond is not looked at
	maxStacks  = 4 << 10 // bytes that Text returns
)

// Each calls look for each stack, as pprof writes it in text: a line "count @
// addresses", one of labels if there are any, and one for each frame.
func Each(look func(stack string)) {
	profile := clipped{left: maxProfile}
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)  // its error is that there was more
	_, stacks, _ := strings.Cut(profile.String(), "\n") // the first line is their number
	for block := range strings.SplitSeq(stacks, "\n\n") {
		look(block)
	}
}

// Text returns the stacks that keep wants, at most 4 KiB of them.
func Text(keep func(stack string) bool) string {
	var kept strings.Builder
	Each(func(stack string) {
		if kept.Len() > maxStacks || !keep(stack) {
			return
		}
		if kept.Len() > 0 {
			kept.WriteString("\n\n")
		}
		kept.WriteString(stack)
	})
	if kept.Len() > maxStacks {
		return kept.String()[:maxStacks] + "…"
	}
	return kept.String()
}

// Compute says whether the goroutines of a stack compute, or would if they had a
// processor. Those that wait for anything do not, nor does the caller.
func Compute(stack string) bool {
	leaf := leafOf(stack)
	switch {
	case leaf == "", leaf == "runtime.gopark", leaf == "runtime.notetsleepg", leaf == "runtime.cgocall",
		strings.Contains(leaf, "syscall."), strings.Contains(stack, "runtime/pprof.writeGoroutine"):
		return false
	}
	return true
}

// leafOf returns the function in which a goroutine is, the runtime's own
// included, which the profile names by address only: "2 @ 0x45f3ee 0x46a1c5".
func leafOf(stack string) string {
	line, _, _ := strings.Cut(stack, "\n")
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return ""
	}
	pc, err := strconv.ParseUint(fields[2], 0, 64)
	if err != nil {
		return ""
	}
	if f := runtime.FuncForPC(uintptr(pc) - 1); f != nil {
		return f.Name()
	}
	return ""
}

// clipped takes so many bytes and fails then.
type clipped struct {
	bytes.Buffer
	left int
}

var errFull = errors.New("goroutines: no room for more stacks")

// Write takes p if there is room for it.
func (c *clipped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, errFull
	}
	return c.Buffer.Write(p)
}
