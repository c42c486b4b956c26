//go:build !linux

package procstats

import (
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v4/process"
)

// reader asks gopsutil, which knows each system's ways.
type reader struct{ proc *process.Process }

func newReader() (*reader, error) {
	proc, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("find own process: %w", err)
	}
	return &reader{proc}, nil
}

func (r *reader) close() {}

func (r *reader) read(bool) facts {
	f := facts{rss: unknown, pss: unknown, files: unknown, maxFiles: unknown}
	if t, err := r.proc.Times(); err == nil {
		f.user, f.system = t.User, t.System
	}
	if m, err := r.proc.MemoryInfo(); err == nil {
		f.rss = float64(m.RSS)
	}
	if n, err := r.proc.NumFDs(); err == nil {
		f.files = float64(n)
	}
	if p, err := r.proc.PageFaults(); err == nil {
		f.minorFaults, f.majorFaults = int64(p.MinorFaults), int64(p.MajorFaults)
	}
	if c, err := r.proc.NumCtxSwitches(); err == nil {
		f.voluntary, f.involuntary = c.Voluntary, c.Involuntary
	}
	return f
}
