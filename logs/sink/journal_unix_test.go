//go:build unix

package sink_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/support-go/support/logs/sink"
)

func TestIsTheJournal(t *testing.T) {
	var stderr syscall.Stat_t
	if err := syscall.Fstat(int(os.Stderr.Fd()), &stderr); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stderr.Dev, stderr.Ino))
	if !sink.UnderJournal() {
		t.Error("this is the journal's stream")
	}
}
