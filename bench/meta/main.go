// Command meta measures what the pages of a group cost, and what they take
// while the group has no time for them.
//
//	go run ./meta overview   # how long Overview takes, with workers at all CPU that there is, and shed at five times what they can
//	go run ./meta pages      # every page, at 1,000 routes, 100,000 goroutines and 10,000 connections, and how long the worker stands still for it
//	go run ./meta memory     # of the process that shows 8 workers with 1,000 instruments each
//	go run ./meta live       # what a page takes that somebody looks at
//
// It starts itself again as a group. Load comes from wrk and from itself, over
// loopback.
package main

import (
	"errors"
	"fmt"
	"os"
)

// subjects are what can be measured.
var subjects = map[string]func() error{"overview": overview, "pages": pages, "memory": memory, "live": live}

func main() {
	beGroupIfAsked()
	if len(os.Args) != 2 || subjects[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: meta overview|pages|memory|live")
		os.Exit(2)
	}
	if err := subjects[os.Args[1]](); err != nil {
		fmt.Fprintln(os.Stderr, "meta:", err)
		os.Exit(1)
	}
}

var errUnwell = errors.New("the group is not as it should be")
