//go:build !linux

package accept

// Backlog is not known here.
func (q *Queue) Backlog() (length, limit int, known bool) { return 0, 0, false }

// Overflows are not known here.
func Overflows() (overflows, drops int64, known bool) { return 0, 0, false }
