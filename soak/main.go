// Command soak puts a server under a load that never forgives and says what
// became of every request. It is the command of internal/strict and
// internal/scenario.
//
//	go run ./soak serve -addr 127.0.0.1:8080 -workers 2
//	go run ./soak echo -addr 127.0.0.1:8080
//	go run ./soak load -addr 127.0.0.1:8080 -mode fresh,kept,h2 -for 10s
//	go run ./soak reload -addr 127.0.0.1:8080 -times 20 -- ./server -addr 127.0.0.1:8080
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: soak <command> [flags]

  serve   serve what the client asks for, with a group
  echo    the same with plain net/http, which loses requests when it reloads
  load    run the client against an address
  reload  start a program, run the client against it and send it SIGHUP (Linux)

soak <command> -h lists the flags. Exit code 0: nothing was lost; 1: something
was, or the run is void; 2: the command line makes no sense.
`

// errUsage is a command line that makes no sense; its reason was printed.
var errUsage = errors.New("soak: see soak -h")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs one command. A new scenario gets its line here.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"echo":   runEcho,
		"load":   runLoad,
		"reload": runReload,
		"serve":  runServe,
	}
	if len(args) > 0 {
		if command, ok := commands[args[0]]; ok {
			return command(ctx, args[1:], out, errOut)
		}
	}
	fmt.Fprint(errOut, usage)
	if len(args) == 1 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		return flag.ErrHelp
	}
	return errUsage
}

// parse parses flags. What a FlagSet complains about it has printed itself.
func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errUsage
}

// complain prints what is wrong with a command line.
func complain(out io.Writer, format string, args ...any) error {
	fmt.Fprintf(out, "soak: "+format+"\n", args...)
	return errUsage
}
