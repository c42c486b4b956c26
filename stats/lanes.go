package stats

import (
	"math/bits"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// lanes remembers which shard each goroutine should use, so that goroutines
// that run at the same time write to different cache lines. A goroutine is
// known by where its stack is: free to find out, and the same from call to
// call. Nothing depends on it but speed. A goroutine that meets another on
// its shard moves on to the next and stays there; the lanes of a Registry are
// shared by its instruments, so what one of them learns serves all.
type lanes [256]atomic.Uint32

// here returns the entry for the calling goroutine. Stacks start at multiples
// of 2 KiB, so the bits below say nothing but how deep the call is.
func here() uint8 {
	var mark byte
	const golden = 0x9e3779b97f4a7c15 // spreads neighbouring addresses
	return uint8(uint64(uintptr(unsafe.Pointer(&mark))) >> 11 * golden >> 56)
}

const maxShards = 64

// shardCount is the number of processors in use, rounded up to a power of two
// so that a mask picks a shard.
func shardCount() int {
	p := runtime.GOMAXPROCS(0)
	return min(maxShards, 1<<bits.Len(uint(p-1)))
}
