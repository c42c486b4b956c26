package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/support-go/support/internal/scenario"
)

// runReload starts a program and reloads it under load.
func runReload(ctx context.Context, args []string, out, errOut io.Writer) error {
	var f loadFlags
	var status scenario.Status
	s := scenario.Scenario{Name: "reload"}
	flags := flag.NewFlagSet("reload", flag.ContinueOnError)
	flags.SetOutput(errOut)
	f.register(flags, 5*time.Minute)
	flags.IntVar(&s.Times, "times", 20, "how often to reload")
	flags.Int64Var(&s.Between, "between", 1000, "answers that clients get between two reloads")
	flags.StringVar(&status.URL, "status", "", "`URL` of a JSON object that tells when a reload is over; empty: do not wait")
	flags.StringVar(&status.Grows, "grows", "reloads", "`member` of the object that counts complete reloads")
	flags.Func("want", "`member=value` that the object shows at rest, such as phase=serving; may be repeated", func(pair string) error {
		member, value, ok := strings.Cut(pair, "=")
		if !ok {
			return errors.New("use member=value")
		}
		if status.Want == nil {
			status.Want = make(map[string]string)
		}
		maps.Copy(status.Want, map[string]string{member: value})
		return nil
	})
	if err := parse(flags, args); err != nil {
		return err
	}
	trial, err := f.trial()
	if err != nil {
		return complain(errOut, "reload: %v", err)
	}
	if flags.NArg() == 0 {
		return complain(errOut, "reload: give the program to start after --")
	}
	s.Trial = trial
	s.Command = exec.Command(flags.Arg(0), flags.Args()[1:]...)
	s.Command.Stdout, s.Command.Stderr = os.Stderr, os.Stderr
	s.Act = scenario.Signal(syscall.SIGHUP, nil)
	if status.URL != "" {
		s.Act = scenario.Signal(syscall.SIGHUP, status.Settled())
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.duration, fmt.Errorf("the time of -for %v is over", f.duration))
	defer cancel()
	report, err := s.Run(ctx)
	return errors.Join(err, f.judge(report, out))
}
