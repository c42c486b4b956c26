package logs

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/support-go/support/stats"
)

// tally counts actions: the distribution action.seconds has a series for each
// name and outcome.
type tally struct {
	registry *stats.Registry
	names    sync.Map // of counted, to *stats.Distribution
	size     atomic.Int32
}

// maxNames bounds names, in case they are not constant.
const maxNames = 1000

type counted struct {
	name    string
	outcome Outcome
}

func (t *tally) count(name string, outcome Outcome, took time.Duration) {
	if t == nil {
		return
	}
	key := counted{name, outcome}
	d, ok := t.names.Load(key)
	if !ok {
		d = t.registry.Distribution("action.seconds", "action", name, "outcome", string(outcome))
		if t.size.Add(1) <= maxNames {
			t.names.Store(key, d)
		}
	}
	d.(*stats.Distribution).AddDuration(took)
}

// frameText is a frame of a stack without what everybody knows: the path of the
// package, and the directory of the file.
func frameText(function, file string, line int) string {
	function = function[strings.LastIndexByte(function, '/')+1:]
	return function + " " + file[strings.LastIndexByte(file, '/')+1:] + ":" + strconv.Itoa(line)
}
