package stats_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/support-go/support/stats"
)

func TestMain(m *testing.M) {
	if os.Getenv("STATS_TEST_WORKER") != "" {
		work()
		return
	}
	os.Exit(m.Run())
}

// work is a worker process: for each byte on its standard input it counts 10
// and reports. It acknowledges what the next byte confirms.
func work() {
	reg := new(stats.Registry)
	c, g, d := reg.Counter("work.done"), reg.Gauge("work.open"), reg.Distribution("work.size_bytes")
	reporter := stats.NewReporter(reg, strconv.Itoa(os.Getpid()))
	in := bufio.NewReader(os.Stdin)
	for {
		if _, err := in.ReadByte(); err != nil {
			return
		}
		for i := range 10 {
			c.Add(1)
			d.Add(float64(i))
		}
		g.Set(3)
		delta := reporter.Next()
		b, err := delta.MarshalBinary()
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.Write(binary.AppendUvarint(nil, uint64(len(b))))
		_, _ = os.Stdout.Write(b)
		reporter.Acknowledge(delta.Sequence)
	}
}

// worker is the other end of work.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	source string
}

func startWorker(t *testing.T) *worker {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STATS_TEST_WORKER=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
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
	return &worker{cmd: cmd, in: in, out: bufio.NewReader(out)}
}

// report lets the worker count 10 more and returns its delta.
func (w *worker) report(t *testing.T) (d stats.Delta) {
	t.Helper()
	if _, err := w.in.Write([]byte{'w'}); err != nil {
		t.Fatal(err)
	}
	n, err := binary.ReadUvarint(w.out)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(w.out, b); err != nil {
		t.Fatal(err)
	}
	if err := d.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	w.source = d.Source
	return d
}

// TestTotalsOutliveWorkers has real processes; one is killed, one ends, one
// replaces them, and the counter never goes backwards.
func TestTotalsOutliveWorkers(t *testing.T) {
	var totals stats.Totals
	var last stats.Count
	check := func(want stats.Count, open stats.Level) {
		t.Helper()
		snap, err := totals.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		got := snap.Lookup("work.done").(stats.Count)
		if got < last {
			t.Errorf("the counter went back from %d to %d", last, got)
		}
		last = got
		size := snap.Lookup("work.size_bytes").(*stats.DistributionSnapshot)
		if got != want || size.Count != uint64(want) || size.Sum != float64(want)*4.5 {
			t.Errorf("counted %d, sizes %d with sum %v; want %d", got, size.Count, size.Sum, want)
		}
		if level, _ := snap.Lookup("work.open").(stats.Level); level != open {
			t.Errorf("gauge is %v, want %v", level, open)
		}
	}
	a, b := startWorker(t), startWorker(t)
	for range 3 {
		for _, w := range []*worker{a, b} {
			d := w.report(t)
			for range 2 { // the second time changes nothing
				if err := totals.Apply(d); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	check(60, 6)
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = a.cmd.Wait()
	check(60, 6)
	if err := totals.End(a.source); err != nil {
		t.Fatal(err)
	}
	check(60, 3)
	c := startWorker(t)
	if err := totals.Apply(c.report(t)); err != nil {
		t.Fatal(err)
	}
	check(70, 6)
	_ = b.in.Close()
	if err := b.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := totals.End(b.source); err != nil {
		t.Fatal(err)
	}
	check(70, 3)
	if got := totals.Sources(); len(got) != 1 || got[0] != c.source {
		t.Errorf("Sources = %v, want %v", got, c.source)
	}
	if snap, ok := totals.Source(c.source); !ok || snap.Lookup("work.done") != stats.Count(10) {
		t.Errorf("the source has %v, want 10", snap.Lookup("work.done"))
	}
}

func TestReporterSendsAgainUntilAcknowledged(t *testing.T) {
	reg := new(stats.Registry)
	c := reg.Counter("c")
	reporter := stats.NewReporter(reg, "worker")
	var totals stats.Totals
	for want := stats.Count(1); want <= 4; want++ {
		c.Add(1)
		first := reporter.Next()
		c.Add(1) // belongs to the next delta
		for range 3 {
			if again := reporter.Next(); again.Sequence != first.Sequence || again.Lookup("c") != first.Lookup("c") {
				t.Fatalf("unacknowledged, got %v after %v", again, first)
			}
			if err := totals.Apply(first); err != nil {
				t.Fatal(err)
			}
		}
		reporter.Acknowledge(first.Sequence + 1)
		reporter.Acknowledge(first.Sequence)
		snap, err := totals.Snapshot()
		if got := snap.Lookup("c"); err != nil || got != 2*want-1 {
			t.Errorf("total is %v (%v), want %d", got, err, 2*want-1)
		}
	}
}

func TestGapsAreFoundAndRestartMendsThem(t *testing.T) {
	reg := new(stats.Registry)
	reg.Counter("c").Add(5)
	reporter := stats.NewReporter(reg, "worker")
	reporter.Acknowledge(reporter.Next().Sequence)
	reg.Counter("c").Add(1)
	var totals stats.Totals // begins after the first delta, as after a restart
	if err := totals.Apply(reporter.Next()); !errors.Is(err, stats.ErrGap) {
		t.Fatalf("got %v, want ErrGap", err)
	}
	reporter.Restart()
	d := reporter.Next()
	if err := totals.Apply(d); err != nil {
		t.Fatal(err)
	}
	if snap, _ := totals.Snapshot(); snap.Lookup("c") != stats.Count(6) {
		t.Errorf("total is %v, want 6", snap.Lookup("c"))
	}
	reporter.Acknowledge(d.Sequence)
	reporter.Acknowledge(reporter.Next().Sequence) // which the totals never saw
	if err := totals.Apply(reporter.Next()); !errors.Is(err, stats.ErrGap) {
		t.Errorf("got %v, want ErrGap", err)
	}
	reporter.Restart()
	if err := totals.Apply(reporter.Next()); err != nil {
		t.Fatal(err)
	}
	if snap, _ := totals.Snapshot(); snap.Lookup("c") != stats.Count(6) {
		t.Errorf("after the second restart the total is %v, want 6", snap.Lookup("c"))
	}
}

// TestTotalsAreHandedOver has the keeper of the totals replaced, as in an
// upgrade: nothing is lost and the workers go on.
func TestTotalsAreHandedOver(t *testing.T) {
	var before, after stats.Totals
	worker, dead := new(stats.Registry), new(stats.Registry)
	worker.Counter("c").Add(5)
	dead.Counter("c").Add(3)
	reporter, deadReporter := stats.NewReporter(worker, "worker"), stats.NewReporter(dead, "dead")
	first, last := reporter.Next(), deadReporter.Next()
	if err := errors.Join(before.Apply(first), before.Apply(last), before.End(last.Source)); err != nil {
		t.Fatal(err)
	}
	reporter.Acknowledge(first.Sequence)
	b, err := before.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := after.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	worker.Counter("c").Add(1)
	if err := errors.Join(after.Apply(first), after.Apply(reporter.Next())); err != nil {
		t.Fatal(err)
	}
	if snap, _ := after.Snapshot(); snap.Lookup("c") != stats.Count(9) {
		t.Errorf("total is %v, want 9", snap.Lookup("c"))
	}
	if err := after.UnmarshalBinary(b[:len(b)-1]); !errors.Is(err, stats.ErrFormat) {
		t.Errorf("cut short it gave %v, want an ErrFormat", err)
	}
}

func TestEndKeepsTimeInStatesButNobodyPresent(t *testing.T) {
	reg := new(stats.Registry)
	states := reg.States("s")
	states.Enter(states.State("a"))
	reporter := stats.NewReporter(reg, "worker")
	var totals stats.Totals
	d := reporter.Next()
	if err := errors.Join(totals.Apply(d), totals.End(d.Source), totals.End("unknown")); err != nil {
		t.Fatal(err)
	}
	snap, err := totals.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	got := snap.Lookup("s").(*stats.StatesSnapshot)
	if got.State("a").Present != 0 || got.Count("", "a") != 1 {
		t.Errorf("got %v, want nobody present and one entry", fmt.Sprint(got))
	}
}

// TestTotalsAreBounded has workers that crash again and again, each with other
// label values that clients have sent.
func TestTotalsAreBounded(t *testing.T) {
	totals := stats.Totals{Limits: stats.Limits{PerName: 50, Series: 200}}
	const workers, values = 20, 40
	for w := range workers {
		reg := new(stats.Registry)
		for i := range values {
			reg.Counter("c", "path", fmt.Sprint(w, "/", i)).Add(1)
			reg.Distribution("d", "path", fmt.Sprint(w, "/", i)).Add(float64(i))
			reg.Gauge(fmt.Sprint("g", w, ".", i)).Set(1) // ends with the worker
			reg.Counter(fmt.Sprint("name", w, ".", i)).Add(1)
		}
		d := stats.NewReporter(reg, "worker").Next()
		if err := errors.Join(totals.Apply(d), totals.End(d.Source)); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := totals.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	count, inDistributions := stats.Count(0), uint64(0)
	for _, s := range snap.Series {
		switch v := s.Value.(type) {
		case stats.Count:
			if s.Name == "c" {
				count += v
			}
		case *stats.DistributionSnapshot:
			inDistributions += v.Count
		}
	}
	if count != workers*values || inDistributions != workers*values {
		t.Errorf("%d and %d are counted, want %d", count, inDistributions, workers*values)
	}
	if n := len(snap.Series); n > 200+3 {
		t.Errorf("%d series are kept, want at most 200 and the overflow of c, d and counters", n)
	}
	if got, _ := snap.Lookup("overflow.counter").(stats.Count); got < workers*values-200 {
		t.Errorf("the overflow of names is %v, want at least %d", got, workers*values-200)
	}
	if got := snap.Lookup("c", "path", stats.Overflow); got != stats.Count(workers*values-50) {
		t.Errorf("overflow is %v, want %d", got, workers*values-50)
	}
}
