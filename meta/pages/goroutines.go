package pages

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// goroutines remembers what the last look has found.
type goroutines struct {
	mu   sync.Mutex
	last map[string]int
}

// Bounds of what is shown.
const (
	maxGroups = 200
	maxFrames = 40
)

// page groups goroutines by what they run and where they wait. It takes the
// goroutine profile, which stops the program for some 30 µs and then costs
// about 1.6 µs a goroutine while it runs on; a dump with runtime.Stack would
// stop it for all of that time.
func (g *goroutines) page(context.Context, url.Values) (any, error) {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return nil, fmt.Errorf("take the goroutine profile: %w", err)
	}
	groups := parseProfile(b.String())
	before := g.swap(groups)
	t := &meta.Table{Key: "group", Filter: true, Sorted: "-count", Total: len(groups), Columns: []meta.Column{
		{Name: "group", Title: "Runs, and waits for"}, {Name: "count", Title: "Count", Merge: data.Sum}, {Name: "growth", Title: "Since last look", Merge: data.Sum},
		{Name: "where", Title: "Where", Unit: data.UnitCode, Merge: data.List, Wrap: true},
		{Name: "labels", Title: "Labels", Merge: data.List, Wide: true, Wrap: true},
	}}
	for _, s := range groups[:min(maxGroups, len(groups))] {
		growth := any(nil)
		if before != nil {
			growth = s.count - before[s.key()]
		}
		row := t.Add(s.key(), s.count, growth, s.where(), s.labels)
		row.Detail = []meta.Block{{Title: "One of them", Text: s.text()}}
	}
	return meta.View{Blocks: []meta.Block{{Name: "figures", Figures: states()}, {Name: "groups", Title: "By what they run and where they wait", Table: t}}}, nil
}

// swap remembers the counts of this look, and returns those of the last one.
func (g *goroutines) swap(groups []stack) map[string]int {
	now := make(map[string]int)
	for _, s := range groups {
		now[s.key()] += s.count
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.last
	g.last = now
	return before
}

// states counts goroutines by what the scheduler says.
func states() []meta.Field {
	names := []struct{ metric, name, title string }{
		{"/sched/goroutines:goroutines", "all", "Goroutines"},
		{"/sched/goroutines/running:goroutines", "running", "Running"},
		{"/sched/goroutines/runnable:goroutines", "runnable", "Ready to run"},
		{"/sched/goroutines/waiting:goroutines", "waiting", "Waiting"},
		{"/sched/goroutines/not-in-go:goroutines", "not_in_go", "In system calls"},
		{"/sched/threads/total:threads", "threads", "Threads"},
		{"/sched/gomaxprocs:threads", "gomaxprocs", "GOMAXPROCS"},
	}
	samples := make([]metrics.Sample, len(names))
	for i, n := range names {
		samples[i].Name = n.metric
	}
	metrics.Read(samples)
	var fields []meta.Field
	for i, n := range names {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			fields = append(fields, meta.Field{Name: n.name, Title: n.title, Merge: data.Sum, Cell: meta.Cell{Value: samples[i].Value.Uint64()}})
		}
	}
	return fields
}

// stack is a number of goroutines that stand at the same place.
type stack struct {
	count  int
	labels string
	frames []frame
}

type frame struct{ function, file string }

// parseProfile reads the text form of the goroutine profile, and puts stacks
// together that differ only in their labels' order; the largest come first.
func parseProfile(text string) []stack {
	var all []stack
	for part := range strings.SplitSeq(text, "\n\n") {
		if s, ok := parseStack(part); ok {
			all = append(all, s)
		}
	}
	byKey := make(map[string]int)
	merged := all[:0:0]
	for _, s := range all {
		if at, ok := byKey[s.key()]; ok {
			merged[at].count += s.count
			continue
		}
		byKey[s.key()] = len(merged)
		merged = append(merged, s)
	}
	slices.SortStableFunc(merged, func(a, b stack) int { return cmp.Compare(b.count, a.count) })
	return merged
}

// parseStack reads, for instance,
//
//	12 @ 0x43e2ee 0x40a1f4
//	# labels: {"route":"GET /"}
//
// The lines that name functions leave those of the runtime out, which tell what
// a goroutine waits for; so the addresses are looked up again.
func parseStack(part string) (stack, bool) {
	var s stack
	for line := range strings.SplitSeq(strings.TrimSpace(part), "\n") {
		if labels, ok := strings.CutPrefix(line, "# labels: "); ok {
			s.labels = readable(labels)
			continue
		}
		count, addresses, ok := strings.Cut(line, " @ ")
		n, err := strconv.Atoi(count)
		if !ok || err != nil {
			continue
		}
		s.count, s.frames = n, framesAt(addresses)
	}
	return s, s.count > 0 && len(s.frames) > 0
}

// readable writes labels as name=value. What is no JSON stays as it is.
func readable(labels string) string {
	var all map[string]string
	if err := json.Unmarshal([]byte(labels), &all); err != nil {
		return labels
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		pairs = append(pairs, name+"="+all[name])
	}
	return strings.Join(pairs, " ")
}

// framesAt names the functions at addresses in hexadecimal digits.
func framesAt(addresses string) []frame {
	var pcs []uintptr
	for field := range strings.FieldsSeq(addresses) {
		pc, err := strconv.ParseUint(field, 0, 64)
		if err == nil {
			pcs = append(pcs, uintptr(pc))
		}
	}
	var all []frame
	frames := runtime.CallersFrames(pcs)
	for range pcs {
		f, more := frames.Next()
		if f.Function != "" && f.Function != "runtime.goexit" {
			all = append(all, frame{f.Function, f.File + ":" + strconv.Itoa(f.Line)})
		}
		if !more {
			break
		}
	}
	return all
}

// key names the group: the function that the goroutine was started with, and
// the one of the program in which it stands.
func (s *stack) key() string {
	start := shortName(s.frames[len(s.frames)-1].function)
	at := shortName(s.frames[s.outermost()].function)
	name := start
	if at != start {
		name += " → " + at
	}
	if waits := s.waits(); waits != "" {
		name += ", " + waits
	}
	return name
}

// outermost is the innermost frame that is not of the runtime or a package
// that only waits.
func (s *stack) outermost() int {
	for i, f := range s.frames {
		pkg, _, _ := strings.Cut(f.function, ".")
		switch pkg {
		case "runtime", "sync", "internal/sync", "internal/poll", "time", "internal/runtime/syscall", "syscall", "runtime/pprof", "net", "os/signal", "bufio", "io":
			continue
		}
		return i
	}
	return len(s.frames) - 1
}

func (s *stack) where() string {
	f := s.frames[s.outermost()]
	return shortFile(f.file)
}

// waits says what for, by the functions of the runtime at the top.
func (s *stack) waits() string {
	for _, f := range s.frames[:min(6, len(s.frames))] {
		for prefix, what := range map[string]string{
			"internal/poll.": "network or file", "runtime.chanrecv": "receive", "runtime.chansend": "send",
			"runtime.selectgo": "select", "runtime.block": "for ever", "time.Sleep": "sleep", "runtime.notetsleepg": "sleep",
			"sync.(*Mutex).Lock": "lock", "internal/sync.(*Mutex).": "lock", "sync.(*RWMutex).": "lock",
			"sync.(*Cond).Wait": "condition", "sync.(*WaitGroup).Wait": "others", "sync.runtime_SemacquireWaitGroup": "others",
			"os/signal.signal_recv": "signal", "runtime/pprof.": "this look",
		} {
			if strings.HasPrefix(f.function, prefix) {
				return what
			}
		}
	}
	return ""
}

func (s *stack) text() *meta.Text {
	var b strings.Builder
	t := &meta.Text{Lines: []int{s.outermost() + 1}}
	for _, f := range s.frames[:min(maxFrames, len(s.frames))] {
		fmt.Fprintf(&b, "%-52s %s\n", shortName(f.function), shortFile(f.file))
	}
	if more := len(s.frames) - maxFrames; more > 0 {
		fmt.Fprintf(&b, "… %d more", more)
	}
	t.Body = b.String()
	return t
}

// shortName leaves out of a function's name where its package comes from.
func shortName(function string) string { return function[strings.LastIndexByte(function, '/')+1:] }

// shortFile keeps of a file its name and its directory's.
func shortFile(file string) string {
	parts := strings.Split(file, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}
