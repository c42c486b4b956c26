package stats

import (
	"math/bits"
	"sync/atomic"
)

// Counter counts events or amounts; it never goes down. It is safe for
// concurrent use, and goroutines on different processors do not slow each
// other. The zero Counter works, with one shard.
type Counter struct {
	lanes *lanes
	cells []cell // a power of two; nil in a zero Counter
	only  cell
}

// cell has a cache line of its own, and the neighbour that the processor
// fetches with it.
type cell struct {
	n atomic.Int64
	_ [120]byte
}

// cellsPerShard makes it unlikely that two goroutines that begin to count at
// the same time begin on the same cell.
const cellsPerShard = 4

func newCounter(l *lanes) *Counter {
	c := &Counter{lanes: l}
	if n := shardCount(); n > 1 {
		c.cells = make([]cell, n*cellsPerShard)
	}
	return c
}

// Add counts n. A negative n counts nothing.
func (c *Counter) Add(n int64) {
	if n <= 0 {
		return
	}
	if len(c.cells) == 0 {
		c.only.n.Add(n)
		return
	}
	entry := here()
	i := uint32(entry) + c.lanes[entry].Load()
	cell := &c.cells[i&uint32(len(c.cells)-1)].n
	// An exchange tells, as an addition does not, that another goroutine
	// is on this cell.
	if old := cell.Load(); !cell.CompareAndSwap(old, old+n) {
		c.moveOn(entry, n)
	}
}

func (c *Counter) moveOn(entry uint8, n int64) {
	i := uint32(entry) + c.lanes[entry].Add(1)
	c.cells[i&uint32(len(c.cells)-1)].n.Add(n)
}

// Value returns the count. An Add that returned before Value was called is in
// it.
func (c *Counter) Value() int64 {
	sum := c.only.n.Load()
	for i := range c.cells {
		sum += c.cells[i].n.Load()
	}
	return sum
}

func (c *Counter) snapshot(int64) Value { return Count(c.Value()) }

func (c *Counter) fold(int64) {}

// Count is the snapshot of a Counter.
type Count int64

// add returns the sum, or the largest Count rather than overflow.
func (n Count) add(other Count) Count {
	sum, carry := bits.Add64(uint64(n), uint64(other), 0)
	if carry != 0 || sum > 1<<63-1 {
		return 1<<63 - 1
	}
	return Count(sum)
}
