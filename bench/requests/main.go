// Command requests measures what it costs to record requests: CPU time per
// request, of net/http without a recorder and with one, ours and those of
// others, side by side in one run.
//
//	go run ./requests -rounds 5
//
// It starts itself again as one server for each kind, pinned to the first CPU
// and loaded by wrk on the second, in slices of a second: each slice of a
// kind between two of base, which is net/http with the time-outs and the
// ConnState hook that any careful program has. CPU time is the server's own,
// user and system, by the kernel's account. Where the two slices of base differ
// by more than a tenth, something else had the CPU, and the three are left out.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	kind := flag.String("serve", "", "be a server of that kind")
	addr := flag.String("addr", "127.0.0.1:0", "address of that server")
	rounds := flag.Int("rounds", 5, "slices of each kind")
	only := flag.String("kinds", strings.Join(kinds(), ","), "kinds to measure")
	flag.Parse()
	var err error
	if *kind != "" {
		err = beServer(*kind, *addr)
	} else {
		err = measure(strings.Split(*only, ","), *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "requests:", err)
		os.Exit(1)
	}
}

// result is what the slices of one kind gave.
type result struct {
	ratios, differences []float64 // to base; nanoseconds
	disturbed           int
}

func measure(kinds []string, rounds int) error {
	running := make(map[string]*process)
	for _, kind := range append([]string{"base"}, kinds...) {
		if running[kind] != nil {
			continue
		}
		p, err := start(kind)
		if err != nil {
			return err
		}
		defer p.stop()
		running[kind] = p
	}
	results := make(map[string]*result)
	var bases []float64
	for _, kind := range kinds {
		results[kind] = new(result)
	}
	for range rounds {
		for _, kind := range kinds {
			base, err := results[kind].slot(running["base"], running[kind])
			if err != nil {
				return err
			}
			bases = append(bases, base)
		}
	}
	fmt.Printf("%s, one P; base: %s ns of CPU a request\n\n", runtime.Version(), spread(bases, 0))
	fmt.Println("| kind | CPU ÷ base | ns more | n | left out |\n|---|---|---|---|---|")
	for _, kind := range kinds {
		r := results[kind]
		fmt.Printf("| %s | %s | %s | %d | %d |\n", kind, spread(r.ratios, 3), spread(r.differences, 0), len(r.ratios), r.disturbed)
	}
	return nil
}

// slot measures base, p, base.
func (r *result) slot(base, p *process) (float64, error) {
	var took [3]float64
	for i, s := range []*process{base, p, base} {
		t, err := s.load(time.Second)
		if err != nil {
			return 0, err
		}
		took[i] = float64(t)
	}
	mean := (took[0] + took[2]) / 2
	if math.Abs(took[0]-took[2]) > mean/10 {
		r.disturbed++
		return mean, nil
	}
	r.ratios = append(r.ratios, took[1]/mean)
	r.differences = append(r.differences, took[1]-mean)
	return mean, nil
}

// spread is the median with the quartiles.
func spread(values []float64, digits int) string {
	if len(values) == 0 {
		return "–"
	}
	slices.Sort(values)
	at := func(q float64) float64 { return values[int(q*float64(len(values)-1)+0.5)] }
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, at(0.5), digits, at(0.25), digits, at(0.75))
}
