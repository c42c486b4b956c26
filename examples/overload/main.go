// Command overload is a server that can be given too much.
//
//	go run ./examples/overload           # a server whose requests take 5 ms of CPU each
//	go run ./examples/overload -load 10  # beside it: ten times what one core can serve, for ten seconds
//
// Each second the load says how many were answered, how many were told to come
// back later, and how long both took: the answered should take some 100 to 200 ms,
// the refused less, and "no answer" should stay at 0. Then start the server with
// -off, which does what net/http does by itself: what is answered takes longer
// each second, and then nearly nobody gets an answer in the two seconds that the
// load waits. http://127.0.0.1:8889 shows what is going on, and the server's log has
// a line now and then.
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
		answered, refused, lost := flood(*addr, *times*float64(time.Second/work), 10*time.Second)
		fmt.Printf("in all %d answered, %d told to come back later, %d left without an answer\n", answered, refused, lost)
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
