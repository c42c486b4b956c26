package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/support-go/support"
)

// variable holds a settings for a process that is to be the group.
const variable = "SUPPORT_BENCH_META"

// settings are what a group is to be like.
type settings struct {
	Serve, Meta string // addresses
	Dir         string
	Workers     int
	Routes      int           // patterns
	Idle        int           // goroutines that do nothing
	Instruments int           // of each worker
	Burn        time.Duration // CPU for each request
}

// beGroupIfAsked is the group, or one of its processes, and does not return
// then.
func beGroupIfAsked() {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	group := support.New("bench")
	group.Workers, group.Dir = s.Workers, s.Dir
	group.HTTP(s.Serve, s.handler())
	group.Meta(s.Meta)
	group.Page("pauses", "Pauses", pauses)
	group.Setup = func(ctx context.Context) (func(context.Context) error, error) {
		s.fill(&group.Stats)
		return nil, nil //nolint:nilnil // there is nothing to clean up
	}
	support.Main(group)
}

// group is one that runs.
type group struct {
	settings
	cmd *exec.Cmd
}

// start starts a group and waits until its pages answer.
func start(s settings) (*group, error) {
	var err error
	if s.Serve, err = free(); err != nil {
		return nil, err
	}
	if s.Meta, err = free(); err != nil {
		return nil, err
	}
	if s.Dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &group{s, exec.Command(self)}
	g.cmd.Env = append(os.Environ(), variable+"="+string(text))
	g.cmd.Stderr = os.Stderr
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if n, err := g.workers(); err == nil && len(n) == s.Workers {
			return g, nil
		}
		if time.Now().After(until) {
			g.stop()
			return nil, fmt.Errorf("%w: it does not start", errUnwell)
		}
	}
}

func (g *group) stop() {
	_ = g.cmd.Process.Signal(os.Interrupt)
	_ = g.cmd.Process.Signal(os.Interrupt) // the second one stops at once
	_ = g.cmd.Wait()
	_ = os.RemoveAll(g.Dir)
}

// free is an address that was free a moment ago.
func free() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// get asks for a page, and returns what it took and how long it was.
func (g *group) get(path string) (took time.Duration, body []byte, err error) {
	began := time.Now()
	r, err := http.NewRequest(http.MethodGet, "http://"+g.Meta+path, nil)
	if err != nil {
		return 0, nil, err
	}
	if path[len(path)-1] != 'n' { // .json
		r.Header.Set("Accept", "text/html")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w: GET %s: %s", errUnwell, path, resp.Status)
	}
	return time.Since(began), body, err
}

// workers are the process ids of those that serve.
func (g *group) workers() ([]int, error) { return g.processes("worker") }

func (g *group) processes(role string) (pids []int, err error) {
	_, body, err := g.get("/status.json")
	if err != nil {
		return nil, err
	}
	var state struct {
		Processes []struct {
			Role, Phase string
			PID         int
		}
	}
	if err := json.Unmarshal(body, &state); err != nil {
		return nil, err
	}
	for _, p := range state.Processes {
		if p.Role == role && (p.Phase == "serving" || role != "worker") {
			pids = append(pids, p.PID)
		}
	}
	return pids, nil
}
