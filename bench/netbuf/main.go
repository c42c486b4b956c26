// Command netbuf measures the package netbuf beside its peers: bufio for
// reading messages, a bare read and write loop for a handler.
//
// Every slice of ours runs between two slices of the peer, and a ratio is that
// of ours to the mean of both; so the machine may be slow or fast as long as it
// stays so for some milliseconds. Printed are the median of the ratios and the
// range from the tenth to the ninetieth percentile.
//
//	go run ./netbuf -run memory,tcp,copy,timeout,handler,idle
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// A comparison measures ours against a peer. Each function does a slice of the
// work and returns what one operation cost in nanoseconds.
type comparison struct {
	name       string
	ours, peer func() float64
}

func main() {
	run := flag.String("run", "memory,tcp,copy,timeout,handler,idle", "what to measure")
	pairs := flag.Int("pairs", 201, "slices of each side")
	client := flag.Bool("client", false, "be the client process of the handler measurement")
	flag.Parse()
	if *client {
		serveClient()
		return
	}
	parts := map[string]func(pairs int) error{
		"memory":  memory,
		"copy":    copying,
		"tcp":     loopback,
		"timeout": timeouts,
		"handler": handlers,
		"idle":    idle,
	}
	for name := range strings.SplitSeq(*run, ",") {
		part, ok := parts[name]
		if !ok {
			fail(fmt.Errorf("nothing is called %q", name))
		}
		if err := part(*pairs); err != nil {
			fail(fmt.Errorf("%s: %w", name, err))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "netbuf:", err)
	os.Exit(1)
}

// report runs c interleaved and prints the ratios.
func (c comparison) report(pairs int) {
	c.peer()
	c.ours()
	var ratios, ours, peers []float64
	before := c.peer()
	for range pairs {
		cost := c.ours()
		after := c.peer()
		base := (before + after) / 2
		ratios = append(ratios, cost/base)
		ours = append(ours, cost)
		peers = append(peers, base)
		before = after
	}
	fmt.Printf("%-44s ratio %.3f (%.3f to %.3f)  ours %.1f ns, peer %.1f ns\n", c.name,
		quantile(ratios, 0.5), quantile(ratios, 0.1), quantile(ratios, 0.9),
		quantile(ours, 0.5), quantile(peers, 0.5))
}

// sliceFuncs does n operations a slice on each side.
type sliceFuncs struct {
	ours, peer func()
	n          int
}

func (s sliceFuncs) report(name string, pairs int) {
	comparison{
		name: name,
		ours: func() float64 { return timed(s.n, s.ours) },
		peer: func() float64 { return timed(s.n, s.peer) },
	}.report(pairs)
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}

// timed returns the nanoseconds one of n operations took in do.
func timed(n int, do func()) float64 {
	start := time.Now()
	do()
	return float64(time.Since(start)) / float64(n)
}
