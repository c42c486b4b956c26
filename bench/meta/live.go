package main

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"
)

// watched is for how long each state is looked at.
const watched = 20 * time.Second

// live says what one page takes that somebody looks at, more than none.
func live() error {
	g, err := start(settings{Workers: 2, Routes: 5})
	if err != nil {
		return err
	}
	defer g.stop()
	load := exec.Command("wrk", "-t1", "-c2", "-d100s", "http://"+g.Serve+"/route1/1")
	if err := load.Start(); err != nil {
		return fmt.Errorf("%w: install it (Debian: apt-get install wrk)", err)
	}
	defer func() { _, _ = load.Process.Kill(), load.Wait() }()
	time.Sleep(20 * time.Second)
	for _, path := range []string{"", "/", "", "/requests"} {
		bytes := 0.0
		began := g.cpu("meta")
		if path == "" {
			time.Sleep(watched)
		} else if bytes, err = g.watch(path); err != nil {
			return err
		}
		fmt.Printf("%-10s %.2f %% of a core, %.1f kB/s\n", path, (g.cpu("meta")-began)/watched.Seconds()*100, bytes/watched.Seconds()/1000)
	}
	return nil
}

// watch looks at a page for a while, and returns how much it has sent after the
// first time, when it sends all.
func (g *group) watch(path string) (float64, error) {
	r, err := http.NewRequest(http.MethodGet, "http://"+g.Meta+path, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	timer := time.AfterFunc(watched, func() { _ = resp.Body.Close() })
	defer timer.Stop()
	first := make([]byte, 1<<20)
	n, err := resp.Body.Read(first)
	if err != nil {
		return 0, err
	}
	time.Sleep(time.Second)                   // the rest of it
	more, _ := resp.Body.Read(first)          // or there is none
	rest, _ := io.Copy(io.Discard, resp.Body) // until it is closed
	fmt.Printf("%s: %d bytes at once\n", path, n+more)
	return float64(rest), nil
}
