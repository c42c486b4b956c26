package reports_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/support-go/support/stats"
	"github.com/support-go/support/stats/reports"
)

// A worker reports to a collector, which would be in another process.
func Example() {
	dir, err := os.MkdirTemp("", "reports")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	place := reports.Place{Dir: dir, Run: "1"}
	collecting, stop := context.WithCancel(context.Background())
	collector := reports.New(place, new(stats.Registry), slog.Default())
	done := make(chan error)
	go func() { done <- collector.Run(collecting) }()

	var worker stats.Registry
	worker.Counter("served").Add(7)
	ended, end := context.WithCancel(context.Background())
	end() // the worker ends at once; Send still passes on what it has counted
	reports.Send(ended, &worker, place, slog.Default())

	sum, err := collector.Snapshot(context.Background())
	fmt.Println(sum.Lookup("served"), err)
	stop()
	fmt.Println(<-done)
	// Output:
	// 7 <nil>
	// <nil>
}
