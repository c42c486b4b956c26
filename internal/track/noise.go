package track

import "time"

// noise is what a connection of HTTP/2 brings beside requests, such as pings and
// settings, each of which must be answered. A client may bring some; a flood of
// them is work for nothing. It runs out of a bucket that has a hole.
type noise struct {
	level               int64 // bytes in the bucket
	read, useful, begun uint64
}

const (
	bucket     = 1 << 20   // bytes, of frames that need no request
	hole       = 64 << 10  // bytes a second
	perRequest = 64 << 10  // bytes, of a header and what goes with it
	perBody    = 128 << 10 // bytes, which count perUseful times: what may come of a body that nobody reads
	perUseful  = 8         // bytes for each byte of a body or an answer: of small messages most is frames
)

// flows says whether the bucket flows over.
func (n *noise) flows(read, useful, begun uint64, since time.Duration) bool {
	n.level += int64(read - n.read)
	n.level -= int64(perUseful*(useful-n.useful) + perRequest*(begun-n.begun))
	n.level = max(n.level-int64(since.Seconds()*hole), 0)
	n.read, n.useful, n.begun = read, useful, begun
	return n.level > bucket
}

func (c *Conn) noisy(since time.Duration) bool {
	return c.width.Load() > 0 && c.noise.flows(c.read.Load(), c.useful.Load(), c.begun.Load(), since)
}
