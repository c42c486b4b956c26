package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the servers, loads and helpers that measure
// starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "-serve" || os.Args[1] == "-load") {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestOneRound proves that the measurement works, and measures nothing.
func TestOneRound(t *testing.T) {
	if err := measure(1, time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestHashTakesItsBlocks(t *testing.T) {
	one, _ := hash(t.Context(), 1)
	two, err := hash(t.Context(), 2)
	if err != nil || one == two {
		t.Errorf("one block and two give %x and %x, %v", one, two, err)
	}
	if calibrate() < 1 {
		t.Error("a job without work")
	}
}

func TestLatenciesParse(t *testing.T) {
	var l latencies
	if err := l.parse(strings.Fields("1 2 3")); err != nil || l != (latencies{1, 2, 3}) {
		t.Errorf("got %v, %v", l, err)
	}
	if err := l.parse(strings.Fields("1 2")); err == nil {
		t.Error("no error for a figure that is missing")
	}
}
