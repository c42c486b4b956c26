package shop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/support-go/support"
	"github.com/support-go/support/prefork"
)

// What is set in the environment of a process that is the shop: its directory,
// and which kind of shop it is.
const (
	variable     = "SUPPORT_BROWSER_SHOP"
	kindVariable = "SUPPORT_BROWSER_KIND"
)

// Kind says who visits a shop.
type Kind string

// The kinds: one in which every name wants to be markup, and one that tells a
// story, as people like to look at.
const (
	Hostile Kind = "hostile"
	Story   Kind = "story"
)

// Place is where a shop that runs can be found.
type Place struct {
	Shop  string // "http://host:port"
	Meta  string // the same, of its pages
	Token string // of an operator of the pages
}

// MainIfAsked runs the shop, and does not return, if this process was started
// to be it, or one of its workers. Call it first in main or TestMain.
func MainIfAsked() {
	dir := os.Getenv(variable)
	if dir == "" {
		return
	}
	s := New(dir)
	visit := Load
	if Kind(os.Getenv(kindVariable)) == Story {
		s, visit = NewStory(dir), Tell
	}
	if !prefork.IsChild() {
		go s.run(visit)
	}
	support.Main(s.Group)
}

// run says where the shop is, visits it, and ends it when its starter has gone.
func (s *Shop) run(visit func(context.Context, string)) {
	<-s.Group.Ready()
	place := Place{Shop: "http://" + s.Server.Addr().String(), Meta: "http://" + s.Meta.Addr().String()}
	token, err := os.ReadFile(filepath.Join(s.Group.Dir, "operator.token"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	place.Token = strings.TrimSpace(string(token))
	if err := json.NewEncoder(os.Stdout).Encode(place); err != nil {
		os.Exit(1)
	}
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with whoever has started this
		leave()
	}()
	visit(ctx, place.Shop)
	s.Group.Kill()
}

// Start starts this program again, as a shop that is visited all the time, with
// its files in dir, which has to be short. What it says goes to out. The shop
// ends when stop is called, or this process ends.
func Start(kind Kind, dir string, out io.Writer) (p Place, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return Place{}, nil, err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), variable+"="+dir, kindVariable+"="+string(kind))
	cmd.Stderr = out
	in, err := cmd.StdinPipe()
	if err != nil {
		return Place{}, nil, err
	}
	says, err := cmd.StdoutPipe()
	if err != nil {
		return Place{}, nil, err
	}
	if err := cmd.Start(); err != nil {
		return Place{}, nil, err
	}
	stop = func() {
		_ = in.Close() // which it is waiting for
		_, _ = io.Copy(io.Discard, says)
		_ = cmd.Wait() // it was killed, which is an error
	}
	line, err := bufio.NewReader(says).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p)
	}
	if err != nil {
		stop()
		return Place{}, nil, fmt.Errorf("shop: it has not started: %w", err)
	}
	return p, stop, nil
}
