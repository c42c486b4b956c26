package main

import (
	"fmt"
	"time"
)

// memory says how large the process gets that shows a large group. The rings of
// the last hour have their full size from the first moment on.
func memory() error {
	g, err := start(settings{Workers: 8, Instruments: 1000})
	if err != nil {
		return err
	}
	defer g.stop()
	pids, err := g.processes("meta")
	if err != nil || len(pids) != 1 {
		return fmt.Errorf("%w: %d processes show it: %w", errUnwell, len(pids), err)
	}
	cpu := g.cpu("meta")
	for n := range 10 {
		time.Sleep(10 * time.Second)
		for _, path := range []string{"/", "/stats", "/metrics"} {
			if _, _, err := g.get(path); err != nil {
				return err
			}
		}
		fmt.Printf("%3d s: resident %.1f MiB, at most %.1f MiB\n", 10*(n+1), memoryOf(pids[0], "VmRSS")/(1<<20), memoryOf(pids[0], "VmHWM")/(1<<20))
	}
	fmt.Printf("CPU %.1f %% of a core\n", (g.cpu("meta")-cpu)/100*100)
	return nil
}
