// Command offload measures what heavy jobs do to the small requests beside
// them, by how the jobs are run.
//
//	go run ./offload -rounds 6
//
// It starts itself again as servers, each a group in one process that answers
// 13 bytes, and loads one after the other: 500 requests a second, each at its
// time whatever has become of the one before, on 16 connections, from threads
// at real-time priority where chrt(1) may set it. The latency of a request
// counts from when it was due. At the beginning of each second of a slice all
// jobs of that second are asked for at once; each hashes for 50 ms.
//
// Rounds are interleaved, and the ratios are those of one round: the p99 of a
// way over the p99 without jobs.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	library := newLibrary()
	library.process.Serve()
	serve := flag.String("serve", "", "be a server")
	load := flag.String("load", "", "be the load on this address")
	rounds := flag.Int("rounds", 6, "slices of each way")
	slice := flag.Duration("slice", 3*time.Second, "length of a slice")
	flag.Parse()
	var err error
	switch {
	case *serve != "":
		err = beServer(*serve, library)
	case *load != "":
		err = beLoad(*load, *slice)
	default:
		err = measure(*rounds, *slice)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "offload:", err)
		os.Exit(1)
	}
}

// arm is a way to run so many jobs a second.
type arm struct {
	way    string
	jobs   int
	seldom bool // is so slow that two rounds tell enough
}

var arms = []arm{
	{"none", 0, false},
	{"cpu", 8, false}, {"cpu", 32, false},
	{"process", 8, false}, {"process", 32, false},
	{"goroutines", 8, true}, {"goroutines", 32, true},
}

func measure(rounds int, slice time.Duration) error {
	servers := make(map[string]*server)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, way := range []string{"none", "cpu", "process", "goroutines"} {
		s, err := startServer(way, calibrate())
		if err != nil {
			return err
		}
		servers[way] = s
	}
	got := make(map[arm][]latencies)
	for round := range rounds {
		for _, a := range arms {
			if a.seldom && round >= 2 {
				continue
			}
			l, err := servers[a.way].load(a.jobs, slice)
			if err != nil {
				return fmt.Errorf("%s: %w", a.way, err)
			}
			got[a] = append(got[a], l)
		}
	}
	print(got)
	return nil
}

func print(got map[arm][]latencies) {
	fmt.Println("| jobs run by | jobs a second | p50 ms | p99 ms | p99.9 ms | p99 / no jobs |")
	fmt.Println("|---|---|---|---|---|---|")
	none := got[arms[0]]
	for _, a := range arms {
		var p50, p99, p999, ratio []float64
		for i, l := range got[a] {
			p50, p99, p999 = append(p50, l.P50), append(p99, l.P99), append(p999, l.P999)
			ratio = append(ratio, l.P99/none[i].P99)
		}
		fmt.Printf("| %s | %d | %s | %s | %s | %s |\n", a.way, a.jobs, spread(p50), spread(p99), spread(p999), spread(ratio))
	}
}

// spread is the median, with the lowest and the highest.
func spread(v []float64) string {
	slices.Sort(v)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", v[len(v)/2], v[0], v[len(v)-1])
}

// load loads the server for a while in which it runs jobs, and waits until
// the jobs are over.
func (s *server) load(jobs int, slice time.Duration) (l latencies, err error) {
	self, err := os.Executable()
	if err != nil {
		return l, err
	}
	args := []string{self, "-load", s.addr, "-slice", slice.String()}
	if _, err := exec.LookPath("chrt"); err == nil && exec.Command("chrt", "-f", "10", "true").Run() == nil {
		args = append([]string{"chrt", "-f", "10"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	stop := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- s.demand(jobs, stop) }()
	out, err := cmd.Output()
	close(stop)
	if failed := <-done; failed != nil {
		return l, failed
	}
	if err != nil {
		return l, err
	}
	if err := l.parse(strings.Fields(string(out))); err != nil {
		return l, err
	}
	return l, s.settle()
}

// latencies are in milliseconds.
type latencies struct{ P50, P99, P999 float64 }

func (l *latencies) parse(fields []string) (err error) {
	for i, to := range []*float64{&l.P50, &l.P99, &l.P999} {
		if i >= len(fields) {
			return fmt.Errorf("the load says %q", fields)
		}
		if *to, err = strconv.ParseFloat(fields[i], 64); err != nil {
			return err
		}
	}
	return nil
}
