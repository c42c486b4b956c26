package strict_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/support-go/support/internal/strict"
)

func ExampleTrial() {
	echo := &strict.Echo{}
	srv := httptest.NewServer(echo)
	defer srv.Close()

	target := strict.Target{Addr: srv.Listener.Addr().String()}
	trial := strict.Trial{Loads: []strict.Load{
		{Target: target, Mode: strict.Fresh, Limits: strict.Limits{Requests: 100}},
		{Target: target, Mode: strict.Kept, Limits: strict.Limits{Requests: 1000}},
	}}
	report, err := trial.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Total())
	fmt.Println(errors.Join(report.L0Strict(), report.Closed(), report.AtLeast(100), report.Balance(echo.Finished())))
	// Output:
	// answered 1100
	// <nil>
}

func ExampleReport_WriteText() {
	report := strict.Report{Seed: 7, Elapsed: time.Second, Loads: []*strict.Tally{
		{Name: "kept", Counts: strict.Counts{strict.Answered: 4000, strict.Stale: 3}, Conns: 11},
		{Name: "h2", Counts: strict.Counts{strict.Answered: 9000}, Conns: 4},
	}}
	_ = report.WriteText(os.Stdout)
	// Output:
	// seed 7, 1s, 0 marks
	//
	//                kept    h2
	//      answered  4000  9000
	//         stale     3     0
	//     answers/s  4000  9000
	//   connections    11     4
	//      unclosed     0     0
	//           p50    0s    0s
	//           p99    0s    0s
	//         p99.9    0s    0s
	//        p99.99    0s    0s
	//       longest    0s    0s
}

func ExampleCounts() {
	counts := strict.Counts{strict.Answered: 990, strict.Truncated: 1, strict.Stale: 2}
	fmt.Println(counts)
	fmt.Println(counts.Offered(), counts.Lost())
	// Output:
	// answered 990, truncated 1, stale 2
	// 993 3
}

func ExampleLatency() {
	var l strict.Latency
	for i := range 100 {
		l.Add(time.Duration(i+1) * time.Millisecond)
	}
	fmt.Println(l.Count(), l.Quantile(.5).Round(time.Millisecond), l.Max())
	// Output: 100 51ms 100ms
}

func ExampleReadExecuted() {
	n, err := strict.ReadExecuted(strings.NewReader("a\nb\na\n"))
	fmt.Println(n, err)
	// Output: 2 strict: executed more than once: ["a"]
}

func ExampleEcho() {
	echo := &strict.Echo{Executed: os.Stdout}
	r := httptest.NewRequest("POST", "/?size=10", strings.NewReader("abcabc"))
	r.Header.Set("X-Request-Id", "abc")
	w := httptest.NewRecorder()
	echo.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body, echo.Finished())
	// Output:
	// abc
	// 200 abcabcabca 1
}

func ExampleTimeline() {
	timeline := strict.Timeline{Width: 100 * time.Millisecond, Slots: []strict.Slot{
		{Counts: strict.Counts{strict.Answered: 80}},
		{Counts: strict.Counts{strict.Answered: 70, strict.Stale: 2}},
	}}
	for i, slot := range timeline.Slots {
		fmt.Println(time.Duration(i)*timeline.Width, slot.Counts)
	}
	// Output:
	// 0s answered 80
	// 100ms answered 70, stale 2
}
