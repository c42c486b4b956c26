package admit

import (
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Cores is the CPU share of this process in cores, at least 1: those that it
// may run on, or as many as its cgroup's quota pays for, rounded up, or what the
// environment says in GOMAXPROCS, whichever is least. It reads the quota of
// cgroup v2 only.
func Cores() int {
	n := runtime.NumCPU()
	if told, err := strconv.Atoi(os.Getenv("GOMAXPROCS")); err == nil && told > 0 {
		n = min(n, told)
	}
	return max(min(n, quota(os.ReadFile, n)), 1)
}

// quota is the least quota on the way from this process's cgroup to the root,
// or most if there is none.
func quota(read func(string) ([]byte, error), most int) int {
	own, err := read("/proc/self/cgroup")
	if err != nil {
		return most
	}
	group, unified := strings.CutPrefix(strings.TrimSpace(string(own)), "0::")
	if !unified {
		return most
	}
	for ; ; group = path.Dir(group) {
		if text, err := read(path.Join("/sys/fs/cgroup", group, "cpu.max")); err == nil {
			most = min(most, parseQuota(string(text), most))
		}
		if group == "/" || group == "." {
			return most
		}
	}
}

// parseQuota reads "QUOTA PERIOD" in microseconds, or "max PERIOD".
func parseQuota(text string, most int) int {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return most
	}
	quota, err := strconv.ParseFloat(fields[0], 64)
	period, err2 := strconv.ParseFloat(fields[1], 64)
	if err != nil || err2 != nil || !(quota > 0) || !(period > 0) || quota/period > float64(most) {
		return most
	}
	return int(quota/period + 0.999)
}

// leaveOneFree sees to it that there is a P for whoever accepts and refuses
// while all cores are busy. With none, they wait until a request is done.
func leaveOneFree(cores int) {
	if runtime.GOMAXPROCS(0) < cores+1 {
		runtime.GOMAXPROCS(cores + 1)
	}
}
