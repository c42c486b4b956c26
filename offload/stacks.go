package offload

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
	maxStacks  = 4 << 10 // bytes of stacks in one record
)

// jobStacks returns what jobs that run the function of that name are doing.
func jobStacks(function string) string {
	found := stacks(func(stack string) bool {
		return strings.Contains(stack, "\t"+function+"+0x") && strings.Contains(stack, "/offload.")
	})
	if found == "" {
		return "it has just ended"
	}
	return found
}

// busyStacks returns what goroutines that compute, or would if they had a
// processor, are doing. Goroutines that wait for anything are left out.
func busyStacks() string { return stacks(computes) }

func computes(stack string) bool {
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

// stacks returns those stacks of all goroutines that keep wants. It reads the
// goroutine profile, which stops the world for a moment only, however many
// goroutines there are, and puts equal stacks together.
func stacks(keep func(stack string) bool) string {
	profile := clipped{left: maxProfile}
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1) // its error is that there was more
	var kept strings.Builder
	for block := range strings.SplitSeq(profile.String(), "\n\n") {
		if keep(block) {
			if kept.Len() > 0 {
				kept.WriteString("\n\n")
			}
			kept.WriteString(block)
		}
		if kept.Len() > maxStacks {
			return kept.String()[:maxStacks] + "…"
		}
	}
	return kept.String()
}

// clipped takes so many bytes and fails then.
type clipped struct {
	bytes.Buffer
	left int
}

var errFull = errors.New("offload: no room for more stacks")

// Write takes p if there is room for it.
func (c *clipped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, errFull
	}
	return c.Buffer.Write(p)
}
