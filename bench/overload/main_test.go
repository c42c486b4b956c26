package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestMain lets the test's own program be a server.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-serve" {
		main()
		return
	}
	os.Exit(m.Run())
}

// BenchmarkRound is one short round, to prove that it works.
func BenchmarkRound(b *testing.B) {
	if _, err := exec.LookPath("taskset"); err != nil {
		b.Skip(err)
	}
	bench, err := newBench(calibrate(5*time.Millisecond), 0)
	if err != nil {
		b.Fatal(err)
	}
	defer bench.stop()
	for b.Loop() {
		r, err := bench.run(round{Kind: "support", Procs: 1, Times: 5, Mix: "same", Proto: plain, Length: 2 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		if r.Refused == 0 {
			b.Errorf("nobody was refused: %+v", r)
		}
		b.ReportMetric(r.Share, "share")
	}
}
