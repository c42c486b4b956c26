package portrait

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/stats"
)

// Facts are what the rules look at.
type Facts struct {
	State    prefork.State
	Stats    stats.Snapshot
	Memory   uint64   // bytes that the group may use; 0 for no limit
	Endless  []string // servers on which a client may keep a handler waiting for ever
	Exposed  []string // addresses that show the group to other machines, without asking who they are
	Backlog  int      // the longest queue that the kernel allows; 0 if that is not known
	Backlogs map[string]int
}

// Findings are what somebody should look at, the worst first.
func Findings(f Facts) []data.Event {
	rules := []func(Facts) []data.Event{timeouts, files, memory, backlog, exposure, names}
	var found []data.Event
	for _, rule := range rules {
		found = append(found, rule(f)...)
	}
	slices.SortStableFunc(found, func(a, b data.Event) int {
		switch {
		case a.State == b.State:
			return 0
		case data.Worse(a.State, b.State) == a.State:
			return -1
		}
		return 1
	})
	return found
}

func finding(state data.State, text, reason, where string) data.Event {
	return data.Event{State: state, Text: data.Words(text), Reason: data.Words(reason), Where: where}
}

// timeouts finds servers on which a client that stands still is never ended.
func timeouts(f Facts) []data.Event {
	var found []data.Event
	for _, server := range f.Endless {
		found = append(found, finding(data.Look, "A client that stands still is never ended", "HTTP.Stall is off: it holds a handler for as long as it likes", server))
	}
	return found
}

// files finds a limit of open files that is near, or lower than servers need.
func files(f Facts) []data.Event {
	open, limit := level(f.Stats, "process.open_files"), level(f.Stats, "process.max_files")
	processes := float64(max(1, len(f.State.Processes)))
	switch {
	case limit == 0:
		return nil
	case open > 0.75*limit:
		return []data.Event{finding(data.Wrong, "Open files are near their limit",
			fmt.Sprintf("%s of %s in all processes: no connection is accepted beyond it", human.Count(open), human.Count(limit)), "files")}
	case limit/processes < 4096:
		return []data.Event{finding(data.Look, "The limit of open files is low",
			fmt.Sprintf("%s a process; each connection takes one: raise LimitNOFILE or ulimit -n", human.Count(limit/processes)), "files")}
	}
	return nil
}

// memory finds that a reload, which has one worker more for a while, may not
// fit.
func memory(f Facts) []data.Event {
	workers := float64(f.State.Workers)
	rss := level(f.Stats, "process.rss_bytes")
	if f.Memory == 0 || rss == 0 || workers == 0 {
		return nil
	}
	need := rss * (workers + 2) / (workers + 1)
	if need <= 0.9*float64(f.Memory) {
		return nil
	}
	return []data.Event{finding(data.Wrong, "A reload may not fit into memory",
		fmt.Sprintf("all processes have %s, one worker more makes about %s, and %s are allowed", human.Of(rss, human.Memory), human.Of(need, human.Memory), human.Of(float64(f.Memory), human.Memory)), "memory")}
}

// backlog finds queues that the kernel makes shorter than was asked for.
func backlog(f Facts) []data.Event {
	var found []data.Event
	for server, wanted := range f.Backlogs {
		if f.Backlog > 0 && wanted > f.Backlog {
			found = append(found, finding(data.Look, "The kernel cuts a backlog short",
				fmt.Sprintf("%d were asked for, net.core.somaxconn allows %d", wanted, f.Backlog), server))
		}
	}
	slices.SortFunc(found, func(a, b data.Event) int { return strings.Compare(a.Where, b.Where) })
	return found
}

// exposure finds addresses at which other machines can look.
func exposure(f Facts) []data.Event {
	var found []data.Event
	for _, address := range f.Exposed {
		found = append(found, finding(data.Look, "Statistics are shown to other machines", "whoever reaches this address can read them, without a token", address))
	}
	return found
}

// names finds statistics that have more labels than are kept apart.
func names(f Facts) []data.Event {
	var found []data.Event
	seen := make(map[string]bool)
	for _, s := range f.Stats.Series {
		over := strings.HasPrefix(s.Name, stats.Overflow) || slices.ContainsFunc(s.Labels, func(l stats.Label) bool { return l.Value == stats.Overflow })
		if over && !seen[s.Name] {
			seen[s.Name] = true
			found = append(found, finding(data.Look, "A statistic has too many labels", "what is past the limit goes into one series named "+stats.Overflow, s.Name))
		}
	}
	return found
}

func level(s stats.Snapshot, name string) float64 {
	if v, ok := s.Lookup(name).(stats.Level); ok {
		return float64(v)
	}
	return 0
}

// Somaxconn is the longest backlog that the kernel allows; 0 if that is not
// known.
func Somaxconn() int {
	b, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}
