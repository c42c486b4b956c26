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
		_, _ = p.Times()
		_, _ = p.MemoryInfo()
		_, _ = p.NumFDs()
		_, _ = p.PageFaults()
		_, _ = p.NumCtxSwitches()
		_, _ = p.Rlimit()
	}
}
