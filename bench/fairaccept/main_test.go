package main

import (
	"os"
	"testing"
)

const mainVariable = "FAIRACCEPT_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		main()
		return
	}
	if err := os.Setenv(mainVariable, "1"); err != nil { // for the processes that it starts
		panic(err)
	}
	os.Exit(m.Run())
}

// TestRun is one short round of every way.
func TestRun(t *testing.T) {
	for _, way := range names() {
		if err := run(plan{workers: 3, conns: 300, ways: way, clients: "4"}); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}
