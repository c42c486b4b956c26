package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// burn is the CPU that a request takes, so that two cores can serve about two
// thousand of them a second.
const burn = time.Millisecond

// overview asks for Overview while five times as much comes as can be served.
func overview() error {
	g, err := start(settings{Workers: 2, Burn: burn, Routes: 5})
	if err != nil {
		return err
	}
	defer g.stop()
	quiet, err := g.takes("/", 50)
	if err != nil {
		return err
	}
	load := exec.Command("wrk", "-t1", "-c512", "-d60s", "http://"+g.Serve+"/route1/1")
	out, err := load.StdoutPipe()
	if err != nil {
		return err
	}
	if err := load.Start(); err != nil {
		return fmt.Errorf("%w: install it (Debian: apt-get install wrk)", err)
	}
	time.Sleep(22 * time.Second) // until the last two points of the history know it
	before, err := g.counts()
	if err != nil {
		return err
	}
	cpu, began := g.cpu("worker"), time.Now()
	loaded, err := g.takes("/", 150)
	if err != nil {
		return err
	}
	after, err := g.counts()
	if err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	served, shed := (after[0]-before[0])/seconds, (after[1]-before[1])/seconds
	_, _ = out, load.Process.Kill()
	_ = load.Wait() // it was killed
	fmt.Printf("quiet: %s\n", spread(quiet))
	fmt.Printf("loaded: %s; served %.0f/s, shed %.0f/s: %.1f times what is served comes; workers took %.2f of 2 cores\n",
		spread(loaded), served, shed, (served+shed)/served, (g.cpu("worker")-cpu)/seconds)
	return nil
}

// takes asks for a page n times, ten times a second at most.
func (g *group) takes(path string, n int) ([]time.Duration, error) {
	var all []time.Duration
	for range n {
		took, _, err := g.get(path)
		if err != nil {
			return nil, err
		}
		all = append(all, took)
		time.Sleep(max(0, 100*time.Millisecond-took))
	}
	return all, nil
}

// counts are how many were answered by a handler, and shed.
func (g *group) counts() (n [2]float64, err error) {
	_, body, err := g.get("/stats.json?kind=counter")
	if err != nil {
		return n, err
	}
	var view struct {
		Blocks []struct {
			Table *struct {
				Rows []struct{ Cells []json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(body, &view); err != nil {
		return n, err
	}
	for _, b := range view.Blocks {
		if b.Table == nil {
			continue
		}
		for _, r := range b.Table.Rows {
			name, total := string(r.Cells[0]), number(r.Cells[3])
			switch {
			case contains(name, "http.responses_2xx"):
				n[0] += total
			case contains(name, ".shed"), contains(name, "accept.refused"):
				n[1] += total
			}
		}
	}
	return n, nil
}

// number is that of a cell, in either of its forms.
func number(cell json.RawMessage) float64 {
	var v struct{ V float64 }
	if json.Unmarshal(cell, &v) == nil {
		return v.V
	}
	f, _ := strconv.ParseFloat(string(cell), 64) // else it is none
	return f
}

func spread(all []time.Duration) string {
	slices.Sort(all)
	at := func(q float64) time.Duration {
		return all[min(len(all)-1, int(q*float64(len(all))))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %v, p99 %v, max %v, n = %d", at(0.5), at(0.99), all[len(all)-1].Round(100*time.Microsecond), len(all))
}
