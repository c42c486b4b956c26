package prefork

import (
	"fmt"
	"time"
)

// A process that prints without end must not keep its supervisor busy, nor fill
// the disk for all: beyond these, lines are left out, and counted.
const (
	outputRate  = 4 << 20        // bytes a second, of each stream
	outputBurst = 4 * outputRate // that may come at once
)

// quota bounds what one stream of a process brings in. It belongs to whoever
// reads that.
type quota struct {
	left  int // bytes that may come now
	at    time.Time
	lines int64 // that have been left out since it was said
	bytes int64
}

func newQuota(now time.Time) *quota { return &quota{left: outputBurst, at: now} }

// pass gives l on, or leaves it out. Before the first line that passes again it
// says how many have not; that takes a second's worth of silence, so that it is not
// said too often.
func (q *quota) pass(l Line, now time.Time, on func(Line)) {
	q.left = min(q.left+int(min(now.Sub(q.at), time.Minute).Seconds()*outputRate), outputBurst)
	q.at = now
	size := len(l.Text) + 1
	if !l.Over && (q.left < size || q.lines > 0 && q.left < outputRate) {
		q.lines++
		q.bytes += int64(size)
		return
	}
	if q.lines > 0 {
		said := l
		said.Over = false
		said.Text = fmt.Appendf(nil, "prefork: %d lines of this process are left out (%s): it may print %s a second",
			q.lines, inMiB(q.bytes), inMiB(outputRate))
		q.lines, q.bytes = 0, 0
		on(said)
	}
	q.left -= size
	on(l)
}
