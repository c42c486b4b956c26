package meta

import (
	"time"

	"github.com/support-go/support/meta/data"
)

// Group is what a supervisor knows of its processes.
type Group struct {
	Phase      string // serving, reloading, …
	Why        string // it is not serving
	State      data.State
	Generation int
	Started    time.Time
	Processes  []Process
	Events     []data.Event // what happened, the latest first
	Findings   []data.Event // what somebody should look at, the worst first
	Config     []data.Block // how it is configured
}

// Process is one of a group.
type Process struct {
	Name       string // w1, meta, supervisor
	Serves     bool   // is a worker
	PID        int
	Generation int
	State      data.State
	Word       string // serving, draining, silent, …
	Why        string
	Started    time.Time
	Heard      time.Time // the last sign of life
	Requests   float64   // ended so far
	Running    float64   // requests
	Open       float64   // connections
	Last       string    // how the one before ended, and why
}

// worker returns the process of that name.
func (g *Group) worker(name string) *Process {
	for i := range g.Processes {
		if g.Processes[i].Name == name {
			return &g.Processes[i]
		}
	}
	return nil
}
