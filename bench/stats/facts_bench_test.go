package stats_test

import (
	"os"
	"testing"

	"github.com/shirou/gopsutil/v4/process"
)

// BenchmarkLookGopsutil reads by gopsutil what procstats reads at each look;
// process.watch_seconds says what that takes.
func BenchmarkLookGopsutil(b *testing.B) {
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p.Times()
		p.MemoryInfo()
		p.NumFDs()
		p.PageFaults()
		p.NumCtxSwitches()
		p.Rlimit()
	}
}
