//go:build unix

package sink

import (
	"fmt"
	"os"
	"syscall"
)

// streamOf names the device and inode of f as JOURNAL_STREAM does.
func streamOf(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}
