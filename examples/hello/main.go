// Command hello answers every request with a greeting, from worker processes
// that are replaced when they die and reloaded without losing a request.
package main

import (
	"flag"
	"fmt"
	"net/http"

	"github.com/support-go/support"
	"github.com/support-go/support/logs/access"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8888", "where to serve")
	meta := flag.String("meta", "127.0.0.1:8889", "where to show what is going on")
	workers := flag.Int("workers", 2, "processes that serve; 0 serves in this one")
	flag.Parse()

	group := support.New("hello")
	group.Workers = *workers
	group.HTTP(*addr, http.HandlerFunc(hello))
	group.Meta(*meta)
	group.Logs.Access = new(access.Log)
	support.Main(group)
}

func hello(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "Hello, world!")
}
