package accept

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Backlog says how many connections wait in the kernel's queue of this socket,
// and how many there may be, or that nobody knows.
func (q *Queue) Backlog() (length, limit int, known bool) {
	raw, err := q.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	_ = raw.Control(func(fd uintptr) { // fails when closed
		// Of a socket that listens, these two fields have another meaning.
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			length, limit, known = int(info.Unacked), int(info.Sacked), true
		}
	})
	return length, limit, known
}

// Overflows says how many connections the kernel has dropped since the queue of
// their socket was full, and for any reason, in this whole network namespace and
// since it was made; or that nobody knows.
func Overflows() (overflows, drops int64, known bool) {
	text, err := os.ReadFile("/proc/net/netstat")
	if err != nil {
		return 0, 0, false
	}
	return parseOverflows(string(text))
}

// parseOverflows reads lines that come in pairs: names, then values.
func parseOverflows(text string) (overflows, drops int64, known bool) {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i := range min(len(names), len(fields)) {
			n, err := strconv.ParseInt(fields[i], 10, 64)
			switch {
			case err != nil:
			case names[i] == "ListenOverflows":
				overflows, known = n, true
			case names[i] == "ListenDrops":
				drops = n
			}
		}
		return overflows, drops, known
	}
	return 0, 0, false
}
