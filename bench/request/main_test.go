package main

import (
	"flag"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestMain lets the test binary be the servers that measure starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-serve" {
		main()
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// TestOneRound proves that the measurement works, and measures nothing.
func TestOneRound(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("wrk is missing: apt-get install wrk")
		}
		t.Skip("wrk is missing: apt-get install wrk")
	}
	if err := measure(1, time.Second); err != nil {
		t.Fatal(err)
	}
}
