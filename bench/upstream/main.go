// Command upstream measures what lending connections costs beside doing
// without, and what callers notice when upstreams fail.
//
//	go run ./upstream cost    # ratios to puddle, a raw connection and http.Transport
//	go run ./upstream failure # an upstream of three dies, a tier dies, some answers are slow
package main

import (
	"fmt"
	"os"
)

func main() {
	parts := map[string]func() error{"cost": cost, "failure": failure}
	names := os.Args[1:]
	if len(names) == 0 {
		names = []string{"cost", "failure"}
	}
	for _, name := range names {
		part, ok := parts[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "unknown part %q; there are cost and failure\n", name)
			os.Exit(2)
		}
		if err := part(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
