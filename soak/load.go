package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/support-go/support/internal/strict"
)

// loadFlags are the flags of every command that runs the client.
type loadFlags struct {
	load     strict.Load // without a mode
	modes    string
	secured  bool
	check    string
	seed     uint
	duration time.Duration
	json     string
	shed     bool
}

// errLossy says no more, since the printed report has the details.
var errLossy = errors.New("soak: not every request was answered as it should")

// register adds the flags; duration is the default of -for.
func (f *loadFlags) register(flags *flag.FlagSet, duration time.Duration) {
	l := &f.load
	flags.StringVar(&l.Target.Addr, "addr", "127.0.0.1:8888", "`address` of the server, or the path of a unix socket with -network unix")
	flags.StringVar(&l.Target.Network, "network", "tcp", "tcp or unix")
	flags.StringVar(&f.modes, "mode", "fresh,kept", "`modes` that run together: fresh, kept, h2")
	flags.BoolVar(&f.secured, "tls", false, "speak TLS; the certificate is not verified")
	flags.IntVar(&l.Conns, "conns", 8, "connections at once, of each mode")
	flags.IntVar(&l.Streams, "streams", 8, "streams at once on an HTTP/2 connection")
	flags.Float64Var(&l.Pace.Rate, "rate", 0, "requests per `second`, of each mode; 0: as fast as answers come")
	flags.DurationVar(&l.Pace.Idle, "idle", 0, "mean pause after each answer (kept and h2)")
	flags.StringVar(&l.Ask.Path, "path", "/", "what to ask for")
	flags.IntVar(&l.Ask.Size, "size", 0, "`bytes` of an answer; 0: the id once")
	flags.DurationVar(&l.Ask.Delay, "delay", 0, "how long the server is to hold each answer back")
	flags.IntVar(&l.Ask.Post, "post", 0, "`bytes` of the body of a POST; 0: GET")
	flags.StringVar(&f.check, "check", "all", "all: id and bytes of each answer; id: only that; none: any whole answer")
	flags.DurationVar(&l.Limits.Timeout, "timeout", 5*time.Second, "after it a request has hung")
	flags.Int64Var(&l.Limits.Requests, "requests", 0, "`number` of requests of each mode; 0: any")
	flags.UintVar(&f.seed, "seed", 0, "of ids, phases and pauses; 0: one is chosen and printed")
	flags.DurationVar(&f.duration, "for", duration, "longest `time` to run")
	flags.StringVar(&f.json, "json", "", "`file` for the report with its timeline")
	flags.BoolVar(&f.shed, "shed", false, "allow the server to shed")
}

// trial returns what the flags ask for.
func (f *loadFlags) trial() (*strict.Trial, error) {
	t := &strict.Trial{Seed: uint32(f.seed)}
	checks := map[string]strict.Check{"all": strict.CheckAll, "id": strict.CheckID, "none": strict.CheckNone}
	check, ok := checks[f.check]
	if !ok {
		return nil, fmt.Errorf("-check %q: use all, id or none", f.check)
	}
	modes := map[string]strict.Mode{"fresh": strict.Fresh, "kept": strict.Kept, "h2": strict.HTTP2}
	for name := range strings.SplitSeq(f.modes, ",") {
		l := f.load
		if l.Mode, ok = modes[name]; !ok {
			return nil, fmt.Errorf("-mode %q: use fresh, kept or h2, with commas between", name)
		}
		if l.Mode == strict.Fresh {
			l.Pace.Idle = 0
		}
		if f.secured {
			l.Target.TLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the flag says so
		}
		l.Ask.Check = check
		t.Loads = append(t.Loads, l)
	}
	return t, nil
}

// judge prints the report, writes it if asked, and returns what went wrong.
func (f *loadFlags) judge(report *strict.Report, out io.Writer) error {
	if report == nil {
		return nil
	}
	err := report.WriteText(out)
	if f.json != "" {
		err = errors.Join(err, writeJSON(f.json, report))
	}
	lossless := report.L0Strict
	if f.shed {
		lossless = report.L0
	}
	if lossless() != nil || report.Closed() != nil {
		err = errors.Join(err, errLossy)
	}
	return errors.Join(err, report.AtLeast(1))
}

func writeJSON(name string, report *strict.Report) error {
	data, err := json.MarshalIndent(report, "", "\t")
	if err != nil {
		return fmt.Errorf("soak: encoding the report: %w", err)
	}
	if err := os.WriteFile(name, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("soak: writing the report: %w", err)
	}
	return nil
}

// runLoad runs the client against a server that somebody else has started.
func runLoad(ctx context.Context, args []string, out, errOut io.Writer) error {
	var f loadFlags
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(errOut)
	f.register(flags, 10*time.Second)
	if err := parse(flags, args); err != nil {
		return err
	}
	trial, err := f.trial()
	if err != nil || flags.NArg() > 0 {
		return complain(errOut, "load: %v, arguments left over: %q", err, flags.Args())
	}
	ctx, cancel := context.WithTimeout(ctx, f.duration)
	defer cancel()
	report, err := trial.Run(ctx)
	return errors.Join(err, f.judge(report, out))
}
