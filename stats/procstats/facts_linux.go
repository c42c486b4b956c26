package procstats

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// reader reads /proc and getrusage itself. A look with gopsutil opens and
// parses several files, walks the directory of descriptors and took six times
// as long; see docs/decisions/stats-process-facts.md.
type reader struct {
	statm *os.File // read again and again from the start
	page  float64
	pss   float64 // the last one read
	buf   [4096]byte
}

func newReader() (*reader, error) {
	statm, err := os.Open("/proc/self/statm")
	if err != nil {
		return nil, fmt.Errorf("read memory use: %w; is /proc mounted?", err)
	}
	return &reader{statm: statm, page: float64(os.Getpagesize()), pss: unknown}, nil
}

func (r *reader) close() { _ = r.statm.Close() }

func (r *reader) read(withPSS bool) facts {
	f := facts{rss: r.rss(), files: openFiles(), maxFiles: unknown}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		f.user, f.system = seconds(u.Utime), seconds(u.Stime)
		f.minorFaults, f.majorFaults = u.Minflt, u.Majflt
		f.voluntary, f.involuntary = u.Nvcsw, u.Nivcsw
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		f.maxFiles = float64(limit.Cur)
	}
	if withPSS {
		r.pss = r.readPSS()
	}
	f.pss = r.pss
	return f
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// rss is the second field of statm, in pages.
func (r *reader) rss() float64 {
	n, _ := r.statm.ReadAt(r.buf[:], 0)
	if fields := bytes.Fields(r.buf[:n]); len(fields) > 1 {
		return number(fields[1]) * r.page
	}
	return unknown
}

// readPSS reads a line such as "Pss:  1234 kB".
func (r *reader) readPSS() float64 {
	f, err := os.Open("/proc/self/smaps_rollup")
	if err != nil {
		return unknown // kernels before 4.14, or no permission
	}
	defer f.Close()
	n, _ := f.Read(r.buf[:])
	_, rest, found := bytes.Cut(r.buf[:n], []byte("\nPss:"))
	if fields := bytes.Fields(rest); found && len(fields) > 0 {
		return number(fields[0]) * 1024
	}
	return unknown
}

// openFiles counts file descriptors. Since Linux 6.2 the size of the directory
// is their number; before, it has to be read.
func openFiles() float64 {
	var st syscall.Stat_t
	if err := syscall.Stat("/proc/self/fd", &st); err != nil {
		return unknown
	}
	if st.Size > 0 {
		return float64(st.Size)
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return unknown
	}
	return float64(len(entries) - 1) // but for the directory itself
}

func number(b []byte) float64 {
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return unknown
	}
	return v
}
