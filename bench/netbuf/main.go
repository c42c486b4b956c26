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
	ours, peer func() float64
}

// samples is what the slices of a comparison gave.
type samples struct {
	ratios, ours, peers []float64
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

// measure runs c interleaved, for so many pairs of slices.
func (s *samples) measure(c comparison, pairs int) {
	c.ours() // to warm up
	before := c.peer()
	for range pairs {
		cost := c.ours()
		after := c.peer()
		base := (before + after) / 2
		s.ratios = append(s.ratios, cost/base)
		s.ours = append(s.ours, cost)
		s.peers = append(s.peers, base)
		before = after
	}
}

// print gives the ratios and what an operation took on either side.
func (s *samples) print(name string) {
	fmt.Printf("%-44s ratio %.3f (%.3f to %.3f)  ours %.1f ns, peer %.1f ns\n", name,
		quantile(s.ratios, 0.5), quantile(s.ratios, 0.1), quantile(s.ratios, 0.9),
		quantile(s.ours, 0.5), quantile(s.peers, 0.5))
}

// report measures c and prints it.
func (c comparison) report(name string, pairs int) {
	var s samples
	s.measure(c, pairs)
	s.print(name)
}

// timed returns a comparison of the time that n operations take on each side.
func timed(n int, ours, peer func()) comparison {
	per := func(do func()) func() float64 {
		return func() float64 {
			start := time.Now()
			do()
			return float64(time.Since(start)) / float64(n)
		}
	}
	return comparison{ours: per(ours), peer: per(peer)}
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}
