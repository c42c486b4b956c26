package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/strict"
)

// mainVariable makes the test binary be the command.
const mainVariable = "SOAK_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// invoke runs a command in this process.
func invoke(t *testing.T, args ...string) (out, errOut string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var outText, errText strings.Builder
	err = run(ctx, args, &outText, &errText)
	return outText.String(), errText.String(), err
}

// TestReloadIsCaught is the control arm with processes: the echo command loses
// requests when it is reloaded.
func TestReloadIsCaught(t *testing.T) {
	t.Setenv(mainVariable, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	file := filepath.Join(t.TempDir(), "report.json")
	out, _, err := invoke(t, "reload", "-addr", addr, "-mode", "fresh,kept,h2", "-times", "10", "-json", file,
		"-status", "http://"+addr+"/status.json", "-want", "phase=serving", "--", self, "echo", "-addr", addr)
	if !errors.Is(err, errLossy) {
		t.Errorf("got error %v, want %v\n%s", err, errLossy, out)
	}
	for _, want := range []string{"unprocessed", "stale", "p99.99", "after reload "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the report:\n%s", want, out)
		}
	}
	var report strict.Report
	if data, err := os.ReadFile(file); err != nil || json.Unmarshal(data, &report) != nil {
		t.Fatalf("reading the report back: %v", err)
	}
	total := report.Total()
	if total[strict.Stale] == 0 || total[strict.Answered] < 10_000 || len(report.Marks) != 20 {
		t.Errorf("report holds %v and %d marks, want stale requests, 10,000 answers and 20 marks", total, len(report.Marks))
	}
}

// freeAddr returns an address that nobody listens on for now.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestLoad(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- newEcho(ln.(*net.TCPListener)).serve(ctx, nil) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	out, _, err := invoke(t, "load", "-addr", ln.Addr().String(), "-mode", "fresh,kept,h2", "-idle", "1ms", "-requests", "200", "-size", "5000", "-seed", "7")
	if err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(out, "seed 7, ") || !answered.MatchString(out) {
		t.Errorf("want seed 7 and 200 answers of each mode in the report:\n%s", out)
	}
}

var answered = regexp.MustCompile(`answered +200 +200 +200\n`)

func TestCommandLine(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing":        {nil, "usage: soak"},
		"unknown":        {[]string{"dance"}, "usage: soak"},
		"unknown flag":   {[]string{"load", "-x"}, "-x"},
		"bad mode":       {[]string{"load", "-mode", "kept,,h2"}, `-mode ""`},
		"bad check":      {[]string{"load", "-check", "some"}, `-check "some"`},
		"left over":      {[]string{"load", "x"}, `["x"]`},
		"echo left over": {[]string{"echo", "x"}, `["x"]`},
		"no program":     {[]string{"reload"}, "after --"},
		"bad want":       {[]string{"reload", "-want", "x"}, "member=value"},
	}
	for name, test := range tests {
		_, errOut, err := invoke(t, test.args...)
		if !errors.Is(err, errUsage) || !strings.Contains(errOut, test.want) {
			t.Errorf("%s: got error %v and %q, want %q in it", name, err, errOut, test.want)
		}
	}
}
