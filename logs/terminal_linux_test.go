package logs_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/support-go/support/logs"
)

// screen keeps what a terminal would show.
type screen struct {
	bytes.Buffer
	terminal *os.File
}

func (s *screen) File() *os.File { return s.terminal }

// TestTerminal wants colour on a terminal, unless the environment says no.
func TestTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no terminals:", err)
	}
	defer terminal.Close()
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, test := range map[string]struct {
		out           *os.File
		noColor, term string
		want          bool
	}{
		"a terminal":       {terminal, "", "xterm", true},
		"a dumb one":       {terminal, "", "dumb", false},
		"no colour wanted": {terminal, "1", "xterm", false},
		"a file":           {file, "", "xterm", false},
		"none":             {nil, "", "xterm", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_COLOR", test.noColor)
			t.Setenv("TERM", test.term)
			out := &screen{terminal: test.out}
			slog.New(logs.NewHandler(out, logs.Options{})).Info("m")
			if got := strings.Contains(out.String(), "\x1b["); got != test.want {
				t.Errorf("%q is in colour: %v", out.String(), got)
			}
		})
	}
}
