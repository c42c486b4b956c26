package scenario_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/support-go/support/internal/scenario"
	"github.com/support-go/support/internal/strict"
)

// A server is reloaded a hundred times under load.
func ExampleScenario() {
	status := scenario.Status{
		URL:   "http://127.0.0.1:8889/status.json",
		Want:  map[string]string{"phase": "serving"},
		Grows: "reloads",
	}
	target := strict.Target{Addr: "127.0.0.1:8888"}
	s := scenario.Scenario{
		Command: exec.Command("./server"),
		Trial: &strict.Trial{Loads: []strict.Load{
			{Target: target, Mode: strict.Fresh},
			{Target: target, Mode: strict.Kept},
			{Target: target, Mode: strict.HTTP2},
		}},
		Name:  "reload",
		Times: 100,
		Act:   scenario.Signal(syscall.SIGHUP, status.Settled()),
	}
	report, err := s.Run(context.Background())
	if err != nil {
		fmt.Println("the scenario did not come to its end:", report == nil)
		return
	}
	fmt.Println(report.L0Strict(), report.Closed(), report.AtLeast(100_000))
	// Output: the scenario did not come to its end: true
}

// A program that leaves a process behind is told on.
func ExampleTree() {
	tree, err := scenario.Start(exec.Command("sh", "-c", "sleep 1000 & exit 0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	<-tree.Exited()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = tree.End(ctx)
	fmt.Println(strings.Contains(err.Error(), "left processes behind"), len(tree.Members()))
	// Output: true 0
}

func ExampleStatus() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"phase": "reloading", "reloads": 3}`)
	}))
	defer srv.Close()
	settled := scenario.Status{URL: srv.URL, Grows: "reloads", Want: map[string]string{"phase": "serving"}}.Settled()
	fmt.Println(settled(context.Background(), false))
	fmt.Println(settled(context.Background(), true))
	// Output:
	// <nil>
	// reloads has not grown beyond 3
}
