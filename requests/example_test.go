package requests_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

func ExampleRecorder() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Ann")
	})
	reg := new(stats.Registry)
	recorder := requests.New(requests.Config{}, reg)
	server := httptest.NewUnstartedServer(recorder.Handler(mux))
	recorder.Hook(server.Config)
	server.Start()
	for id := range 3 {
		if resp, err := http.Get(fmt.Sprintf("%s/users/%d", server.URL, id)); err == nil {
			_ = resp.Body.Close()
		}
	}
	server.Close()

	for _, s := range requests.Summaries(reg.Snapshot()) {
		fmt.Printf("%s: %d answers, %v, %v bytes each\n", s.Route, s.Count, s.Classes, s.SentMean)
	}
	// Output: GET /users/{id}: 3 answers, map[2xx:3], 3 bytes each
}

func ExampleRecorder_Snapshot() {
	recorder := requests.New(requests.Config{}, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow/{n}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "begun")
		for _, r := range recorder.Snapshot().Running { // as another goroutine would
			fmt.Println(r.Route, r.Method, r.Path, r.Phase, r.Status, r.Sent)
		}
	})
	recorder.Handler(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/slow/7", nil))
	for _, f := range recorder.Snapshot().Recent {
		fmt.Println(f.Route, f.Path, f.Outcome)
	}
	// Output:
	// GET /slow/{n} GET /slow/7 answering 200 5
	// GET /slow/{n} /slow/7 done
}

func ExampleCancelError() {
	recorder := requests.New(requests.Config{}, nil)
	begun := make(chan struct{})
	server := httptest.NewUnstartedServer(recorder.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		var why *requests.CancelError
		if errors.As(context.Cause(r.Context()), &why) {
			fmt.Println("cancelled by", why.By)
		}
	})))
	recorder.Hook(server.Config)
	server.Start()
	go func() {
		<-begun
		for _, r := range recorder.Running().Running {
			fmt.Println(recorder.Cancel(r.ID, "ann"))
		}
	}()
	if resp, err := http.Get(server.URL); err == nil {
		_ = resp.Body.Close()
	}
	server.Close()
	// Unordered output:
	// <nil>
	// cancelled by ann
}

// queued is a ResponseWriter of something that lets requests wait.
type queued struct {
	http.ResponseWriter
	since time.Time
}

func (q queued) Unwrap() http.ResponseWriter { return q.ResponseWriter }

func (q queued) Arrived() requests.Arrival {
	return requests.Arrival{Taken: q.since, Served: q.since.Add(40 * time.Millisecond)}
}

func ExampleArrives() {
	reg := new(stats.Registry)
	recorder := requests.New(requests.Config{}, reg)
	w := queued{httptest.NewRecorder(), time.Now().Add(-50 * time.Millisecond)}
	recorder.Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	queue := requests.Summaries(reg.Snapshot())[0].States.State("queue")
	fmt.Printf("%.3f s in the queue\n", queue.Stays.Sum)
	// Output: 0.040 s in the queue
}

func ExampleParseID() {
	id, err := requests.ParseID("1z141z5")
	fmt.Println(uint64(id), err)
	_, err = requests.ParseID("<script>")
	fmt.Println(err)
	// Output:
	// 4294967297 <nil>
	// requests: "<script>" is no ID of a request: it should be up to 13 digits and letters
}
