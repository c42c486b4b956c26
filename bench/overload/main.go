// Command overload measures what servers do with more than they can serve: how
// much of their capacity they still answer within 250 ms, what the refused get,
// and how soon all is well again.
//
//	go run ./overload                          # ours and its peers at 2, 5 and 10 times the capacity
//	go run ./overload -kinds support -procs 1,2,4 -times 10 -n 3
//	go run ./overload -kinds support -critical -times 10
//	go run ./overload -kinds support -mix sizes,waiting -random
//	go run ./overload -kinds support -protos tls,h2
//
// Each server is a process of its own on the first core; the load comes from the
// second one, at a constant or random rate whatever becomes of it, with latencies
// from the moment at which a request was due. A request takes 5 ms of CPU on
// average, see mixes. The capacity is taken on bare net/http just before and just
// after each round. It needs two cores, and nobody else on them.
//
// A round takes some five seconds more than -for. With -save, the rounds of
// several runs come together in one table, with medians and ranges.
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

// plan is what to measure: every combination.
type plan struct {
	kinds, times, procs, conns, mixes, protos string // lists
	base                                      round
}

func run() error {
	kind := flag.String("serve", "", "be a server of that kind")
	addr := flag.String("addr", "127.0.0.1:0", "address of that server")
	rounds := flag.Int("work", 0, "rounds of hashing that a request takes; 0 for as many as take -cpu")
	cpu := flag.Duration("cpu", 5*time.Millisecond, "CPU time that a request takes")
	var p plan
	flag.DurationVar(&p.base.Pause, "pause", 0, "time that a request waits for something else")
	flag.StringVar(&p.kinds, "kinds", "support,accept and admit,net/http,limitlistener,go-zero,kratos,failsafe", "what to measure; workers is a group with two")
	flag.StringVar(&p.times, "times", "2,5,10", "load, in capacities")
	flag.StringVar(&p.procs, "procs", "1", "GOMAXPROCS of the servers")
	flag.StringVar(&p.conns, "conns", "new,kept", "connections")
	flag.StringVar(&p.mixes, "mix", "same", "requests: same, sizes, waiting")
	flag.StringVar(&p.protos, "protos", plain, "http1, tls (HTTP/1.1 over it), h2 (over TLS)")
	flag.DurationVar(&p.base.Length, "for", 6*time.Second, "length of a round")
	flag.BoolVar(&p.base.Random, "random", false, "let requests come at random")
	flag.BoolVar(&p.base.Critical, "critical", false, "let 20 requests a second be critical, and all others sheddable")
	n := flag.Int("n", 1, "rounds of each, in turn")
	settle := flag.Duration("settle", 0, "time after the load until the memory is looked at again")
	save := flag.String("save", "", "file to which rounds are added; the table has all that are in it")
	flag.Parse()
	quieten()
	if *kind != "" {
		return serve(*kind, *addr, p.protos, work(*rounds, p.base.Pause))
	}
	if err := moveToSecondCore(); err != nil {
		return err
	}
	if *rounds == 0 {
		*rounds = calibrate(*cpu)
	}
	b, err := newBench(*rounds, *settle)
	if err != nil {
		return err
	}
	defer b.stop()
	t, err := saved(*save)
	if err != nil {
		return err
	}
	for range *n {
		if err := p.each(func(r round) error { return t.add(b, r) }); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %d rounds of hashing and %v of waiting a request, rounds of %v\n\n%s", runtime.Version(), *rounds, p.base.Pause, p.base.Length, t)
	return nil
}

func newBench(work int, settle time.Duration) (*bench, error) {
	dir, err := os.MkdirTemp("", "overload")
	if err != nil {
		return nil, err
	}
	return &bench{work: work, dir: dir, settle: settle}, nil
}

func (b *bench) stop() { _ = os.RemoveAll(b.dir) }

// each calls do with all that is planned.
func (p plan) each(do func(round) error) error {
	rounds := []round{p.base}
	vary := func(list string, set func(*round, string) error) error {
		var varied []round
		for _, r := range rounds {
			for name := range strings.SplitSeq(list, ",") {
				if err := set(&r, strings.TrimSpace(name)); err != nil {
					return err
				}
				varied = append(varied, r)
			}
		}
		rounds = varied
		return nil
	}
	for _, axis := range []struct {
		list string
		set  func(*round, string) error
	}{
		{p.mixes, func(r *round, name string) error { return oneOf(&r.Mix, name, "same", "sizes", "waiting") }},
		{p.protos, func(r *round, name string) error { return oneOf(&r.Proto, name, plain, encrypted, http2) }},
		{p.times, func(r *round, text string) (err error) { r.Times, err = strconv.ParseFloat(text, 64); return err }},
		{p.conns, func(r *round, name string) error { r.Kept = name == "kept"; return nil }},
		{p.procs, func(r *round, text string) (err error) { r.Procs, err = strconv.Atoi(text); return err }},
		{p.kinds, func(r *round, name string) error { r.Kind = name; return nil }},
	} {
		if err := vary(axis.list, axis.set); err != nil {
			return err
		}
	}
	for _, r := range rounds {
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

func oneOf(field *string, name string, names ...string) error {
	for _, n := range names {
		if n == name {
			*field = name
			return nil
		}
	}
	return fmt.Errorf("%q is none of %q", name, names)
}
