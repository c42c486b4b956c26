// Command overload measures what servers do with more than they can serve: how
// much of their capacity they still answer within 250 ms, what the refused get,
// and how soon all is well again.
//
//	go run ./overload                          # ours and its peers at 2, 5 and 10 times the capacity
//	go run ./overload -kinds support -procs 1,2,4 -times 10
//	go run ./overload -kinds support -critical -times 10
//
// Each server is a process of its own on the first core; the load comes from the
// second one, at a constant rate whatever becomes of it, with latencies from the
// moment at which a request was due. A request takes 5 ms of CPU, or what -work
// and -pause say. The capacity is taken on bare net/http just before and just
// after each round. It needs two cores, and nobody else on them.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(1)
	}
}

func run() error {
	kind := flag.String("serve", "", "be a server of that kind")
	addr := flag.String("addr", "127.0.0.1:0", "address of that server")
	rounds := flag.Int("work", 0, "rounds of hashing that a request takes; 0 for as many as take -cpu")
	cpu := flag.Duration("cpu", 5*time.Millisecond, "CPU time that a request takes")
	pause := flag.Duration("pause", 0, "time that a request waits for something else")
	kinds := flag.String("kinds", "support,accept and admit,net/http,limitlistener,go-zero,kratos,failsafe", "what to measure; workers is a group with two")
	times := flag.String("times", "2,5,10", "load, in capacities")
	procs := flag.String("procs", "1", "GOMAXPROCS of the servers")
	conns := flag.String("conns", "new,kept", "connections")
	length := flag.Duration("for", 6*time.Second, "length of a round")
	random := flag.Bool("random", false, "let requests come at random")
	critical := flag.Bool("critical", false, "let 20 requests a second be critical, and all others sheddable")
	flag.Parse()
	quieten()
	if *kind != "" {
		return serve(*kind, *addr, *rounds, *pause)
	}
	if *rounds == 0 {
		*rounds = calibrate(*cpu)
	}
	b, err := newBench(*rounds, *pause)
	if err != nil {
		return err
	}
	defer b.stop()
	fmt.Printf("%s, %d rounds of hashing and %v of waiting a request, rounds of %v\n\n%s", runtime.Version(), *rounds, *pause, *length, heading)
	return each(*times, func(t float64) error {
		return eachName(*conns, func(conn string) error {
			return each(*procs, func(p float64) error {
				return eachName(*kinds, func(k string) error {
					r := round{kind: k, procs: int(p), times: t, kept: conn == "kept", random: *random, pause: *pause, length: *length, critical: *critical}
					result, err := b.run(r)
					if err == nil {
						fmt.Print(row(r, result))
					}
					return err
				})
			})
		})
	})
}

func newBench(work int, pause time.Duration) (*bench, error) {
	dir, err := os.MkdirTemp("", "overload")
	if err != nil {
		return nil, err
	}
	bare, err := start("net/http", work, pause, 0, dir)
	if err != nil {
		return nil, err
	}
	return &bench{work: work, dir: dir, bare: map[time.Duration]*server{pause: bare}}, nil
}

func (b *bench) stop() {
	for _, s := range b.bare {
		s.stop()
	}
	_ = os.RemoveAll(b.dir)
}

func eachName(list string, do func(string) error) error {
	for name := range strings.SplitSeq(list, ",") {
		if err := do(strings.TrimSpace(name)); err != nil {
			return err
		}
	}
	return nil
}

func each(list string, do func(float64) error) error {
	return eachName(list, func(text string) error {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		return do(n)
	})
}

const heading = `| server | load | connections | GOMAXPROCS | share | 1st second | p50 / p99 answered, ms | refused | p99 / max of refusals, ms | unanswered | time-outs | RSS +, MiB | normal after, ms | critical | capacity |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
`

func row(r round, m *result) string {
	conns := "new"
	if r.kept {
		conns = "kept"
	}
	critical := ""
	if r.critical {
		critical = fmt.Sprintf("%.3f", m.served)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("| %s | %g x | %s | %d | **%.3f** | %.3f | %.0f / %.0f | %d | %.1f / %.1f | %d | %d | %.1f | %.0f | %s | %.0f, %+.1f %% |\n",
		r.kind, r.times, conns, r.procs, m.share, m.first, ms(m.p50), ms(m.p99), m.refused, ms(m.late), ms(m.latest),
		m.unanswered, m.timeouts, m.growth, ms(m.normal), critical, m.capacity, 100*m.drift)
}
