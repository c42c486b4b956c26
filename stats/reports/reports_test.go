package reports_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/internal/inspect"
	"github.com/support-go/support/stats"
	"github.com/support-go/support/stats/reports"
)

func TestMain(m *testing.M) {
	place := reports.Place{Dir: os.Getenv("REPORTS_DIR"), Run: "run"}
	switch os.Getenv("REPORTS_TEST") {
	case "send":
		send(place)
	case "collect":
		fmt.Println("collects")
		err := reports.New(place, new(stats.Registry), slog.Default()).Run(context.Background())
		fmt.Println(err)
	default:
		os.Exit(m.Run())
	}
}

// send is a process that counts the lines which it reads, and ends with them.
func send(place reports.Place) {
	var reg stats.Registry
	reg.Gauge("open").Set(1)
	reg.Describe("lines", "lines that were read")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		reports.Send(ctx, &reg, place, slog.Default())
	}()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		reg.Counter("lines").Add(1)
	}
	stop()
	<-ended
}

// child is this program in one of its other parts.
type child struct {
	*exec.Cmd
	in io.WriteCloser
}

func start(t *testing.T, part, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "REPORTS_TEST="+part, "REPORTS_DIR="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &child{cmd, in}
}

func (c *child) count(t *testing.T, lines int) {
	t.Helper()
	if _, err := io.WriteString(c.in, strings.Repeat("x\n", lines)); err != nil {
		t.Fatal(err)
	}
}

// end closes the input and waits for the last word.
func (c *child) end(t *testing.T) {
	t.Helper()
	_ = c.in.Close()
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
}

func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // its error is the signal
}

// collect runs a collector until stop is called or the test ends.
func collect(t *testing.T, dir string) (c *reports.Collector, stop func()) {
	t.Helper()
	c = reports.New(reports.Place{Dir: dir, Run: "run"}, new(stats.Registry), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return c, stop
}

// await waits until the totals are as wanted. The count must never go down.
func await(t *testing.T, c *reports.Collector, lines stats.Count, open stats.Level) {
	t.Helper()
	var last stats.Count
	var level stats.Level
	eventually(t, func() bool {
		snap, err := c.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now, _ := snap.Lookup("lines").(stats.Count)
		level, _ = snap.Lookup("open").(stats.Level)
		if now < last {
			t.Fatalf("the count went back from %d to %d", last, now)
		}
		last = now
		return now == lines && level == open
	}, func() string { return fmt.Sprintf("counted %d, %v open; want %d, %v", last, level, lines, open) })
}

// awaitSaved waits until a successor would find so many lines.
func awaitSaved(t *testing.T, dir string, lines stats.Count) {
	t.Helper()
	eventually(t, func() bool {
		var saved stats.Totals
		b, err := os.ReadFile(filepath.Join(dir, "totals.run"))
		if err != nil || saved.UnmarshalBinary(b) != nil {
			return false
		}
		snap, err := saved.Snapshot()
		return err == nil && snap.Lookup("lines") == lines
	}, func() string { return fmt.Sprintf("%d lines are not saved", lines) })
}

// eventually waits for a condition, and fails with what is wrong without it.
func eventually(t *testing.T, condition func() bool, wrong func() string) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatal(wrong())
		}
	}
}

func TestTotalsOutliveProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, _ := collect(t, dir)
	a, b := start(t, "send", dir), start(t, "send", dir)
	a.count(t, 5)
	b.count(t, 7)
	await(t, c, 12, 2)
	if own, ok := c.Process(a.Process.Pid); !ok || own.Lookup("lines") != stats.Count(5) {
		t.Errorf("process a has %v, want 5", own.Lookup("lines"))
	}
	a.kill(t)
	await(t, c, 12, 1)
	b.count(t, 3)
	b.end(t) // its last word comes before its end
	await(t, c, 15, 0)
	if _, ok := c.Process(b.Process.Pid); ok {
		t.Error("an ended process is still there")
	}
}

// TestACollectorSucceedsAnother has the second one wait for the first one's
// end, and go on from there.
func TestACollectorSucceedsAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, stopOne := collect(t, dir)
	a, b := start(t, "send", dir), start(t, "send", dir)
	a.count(t, 5)
	b.count(t, 7)
	await(t, one, 12, 2)
	b.kill(t)
	await(t, one, 12, 1)
	two, stopTwo := collect(t, dir)
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := two.Snapshot(soon); err == nil {
		t.Error("two collectors have the same statistics at once")
	}
	stopOne()
	a.count(t, 1)
	await(t, two, 13, 1)
	stopTwo()
	two.Discard()
	if left, _ := filepath.Glob(filepath.Join(dir, "*.run*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestACollectorIsKilled loses nothing: the living report everything again, and
// the ended are in the file.
func TestACollectorIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, "collect", dir)
	a, b := start(t, "send", dir), start(t, "send", dir)
	a.count(t, 5)
	b.count(t, 7)
	b.end(t)
	awaitSaved(t, dir, 12)
	first.kill(t)
	second, _ := collect(t, dir)
	a.count(t, 1)
	await(t, second, 13, 1)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestCollectorAndWorkerAreKilledTogether loses what both of them had in
// memory, and no more.
func TestCollectorAndWorkerAreKilledTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, "collect", dir)
	a := start(t, "send", dir)
	a.count(t, 5)
	awaitSaved(t, dir, 5)
	first.kill(t)
	a.kill(t)
	second, _ := collect(t, dir)
	await(t, second, 5, 0)
}

// TestAProcessGetsTheNumberOfAnother has a predecessor know this process as
// one that ended while nobody watched.
func TestAProcessGetsTheNumberOfAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, "send", dir)
	b.count(t, 2)
	var before stats.Totals
	var reg stats.Registry
	reg.Counter("lines").Add(3)
	reg.Gauge("open").Set(1)
	if err := before.Apply(stats.NewReporter(&reg, fmt.Sprintf("%d.before", b.Process.Pid)).Next()); err != nil {
		t.Fatal(err)
	}
	saved, err := before.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "totals.run"), saved, 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := collect(t, dir)
	await(t, c, 5, 1)
}

// TestTheDirectoryMendsItself begins without a directory, and goes on when
// somebody has cleaned the socket away.
func TestTheDirectoryMendsItself(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	c, _ := collect(t, dir)
	eventually(t, func() bool {
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := c.Snapshot(soon)
		return errors.Is(err, fs.ErrNotExist)
	}, func() string { return "nobody says that there is no directory" })
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a := start(t, "send", dir)
	a.count(t, 2)
	await(t, c, 2, 1)
	if err := os.Remove(filepath.Join(dir, "reports.run.sock")); err != nil {
		t.Fatal(err)
	}
	b := start(t, "send", dir)
	b.count(t, 3)
	await(t, c, 5, 2)
}

func TestHostileReports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, _ := collect(t, dir)
	if _, err := c.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	var reg stats.Registry
	reg.Counter("c").Add(1)
	report := func(source string) string {
		b, err := stats.NewReporter(&reg, source).Next().MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	mine := fmt.Sprintf("%d.", os.Getpid())
	client := inspect.Client(filepath.Join(dir, "reports.run.sock"))
	defer client.CloseIdleConnections()
	for _, test := range []struct {
		name, body string
		want       int
	}{
		{"nothing", "", http.StatusBadRequest},
		{"garbage", "\x01\xff\xff\xff\xff\xff", http.StatusBadRequest},
		{"another process's", report("1.x"), http.StatusBadRequest},
		{"no process's", report("x"), http.StatusBadRequest},
		{"good", report(mine + "a"), http.StatusNoContent},
		{"a second one of the same process", report(mine + "b"), http.StatusBadRequest},
	} {
		var resp *http.Response
		for { // until the socket is there
			var err error
			if resp, err = client.Post("http://x/", "", strings.NewReader(test.body)); err == nil {
				break
			}
		}
		_ = resp.Body.Close()
		if resp.StatusCode != test.want {
			t.Errorf("%s: got %s, want %d", test.name, resp.Status, test.want)
		}
	}
	if snap, err := c.Snapshot(t.Context()); err != nil || snap.Lookup("c") != stats.Count(1) {
		t.Errorf("the total is %v, %v; want 1", snap.Lookup("c"), err)
	}
}

// TestABrokenFileIsNoObstacle has the collector begin anew.
func TestABrokenFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"totals.run", "totals.other", "reports.other.sock"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no totals"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := collect(t, dir)
	start(t, "send", dir).count(t, 2)
	await(t, c, 2, 1)
	for _, name := range []string{"totals.other", "reports.other.sock"} {
		if exists(filepath.Join(dir, name)) {
			t.Errorf("%s of another run is still there", name)
		}
	}
}

// TestHelpTravels has the registry beside a collector learn what others say of
// their instruments, and keep what it says itself.
func TestHelpTravels(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := new(stats.Registry)
	own.Describe("open", "its own text")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- reports.New(reports.Place{Dir: dir, Run: "run"}, own, slog.New(slog.DiscardHandler)).Run(ctx)
	}()
	start(t, "send", dir)
	eventually(t, func() bool { return own.Help("lines") == "lines that were read" },
		func() string { return fmt.Sprintf("the text is %q", own.Help("lines")) })
	client := inspect.Client(filepath.Join(dir, "reports.run.sock"))
	defer client.CloseIdleConnections()
	for body, want := range map[string]int{
		`{"open": "another's", "new": "text", "no name": "text"}`: http.StatusNoContent,
		`["open"]`: http.StatusBadRequest,
		`{"a": "` + strings.Repeat("x", 2<<20) + `"}`: http.StatusBadRequest,
	} {
		resp, err := client.Post("http://x/help", "", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%.40s: got %s, want %d", body, resp.Status, want)
		}
	}
	if got := own.Descriptions(); len(got) != 3 || got["open"] != "its own text" || got["new"] != "text" {
		t.Errorf("the texts are %q", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
