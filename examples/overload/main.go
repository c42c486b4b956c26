// Command overload is a server that can be given too much.
//
//	go run ./examples/overload           # a server whose requests take 5 ms of CPU each
//	go run ./examples/overload -load 10  # beside it: ten times what one core can serve, for ten seconds
//
// Each second the load says how many were answered, how many were told to come
// back later, and how long both took. With -off on the server it does what
// net/http does by itself: nearly nobody gets an answer.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"net/http"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/admit"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8888", "where to serve")
	meta := flag.String("meta", "127.0.0.1:8889", "where to show what is going on")
	off := flag.Bool("off", false, "shed nothing")
	times := flag.Float64("load", 0, "be the load, of so many times what one core can serve")
	flag.Parse()
	if *times > 0 {
		flood(*addr, *times*float64(time.Second/work), 10*time.Second)
		return
	}
	group := newGroup(*addr, *off)
	group.Meta(*meta)
	support.Main(group)
}

// work is the CPU time of a request.
const work = 5 * time.Millisecond

func newGroup(addr string, off bool) *support.Group {
	group := support.New("overload")
	server := group.HTTP(addr, http.HandlerFunc(compute))
	server.Overload.Off = off
	server.Overload.Class = admit.Prefixes{"/important": admit.Critical}.Class
	return group
}

func compute(w http.ResponseWriter, _ *http.Request) {
	var block [1 << 10]byte
	for begun := time.Now(); time.Since(begun) < work; {
		sum := sha256.Sum256(block[:])
		copy(block[:], sum[:])
	}
	fmt.Fprintln(w, "done")
}
