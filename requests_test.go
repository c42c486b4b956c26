package support_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/support-go/support"
	"github.com/support-go/support/requests"
)

// TestGroupRecordsRequests looks at a request while it runs, ends it, and
// counts it.
func TestGroupRecordsRequests(t *testing.T) {
	group := support.New("recorded")
	causes := make(chan error, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /wait/{for}", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		causes <- context.Cause(r.Context())
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	server := group.HTTP("127.0.0.1:0", mux)
	server.Name = "web"
	start(t, group)
	url := "http://" + server.Addr().String()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := http.Get(url + "/wait/ever"); err == nil {
			_ = resp.Body.Close()
		}
	}()
	var seen []requests.Running
	eventually(t, "the request does not run", func() bool {
		seen = server.Requests().Snapshot().Running
		return len(seen) == 1
	})
	if r := seen[0]; r.Route != "GET /wait/{for}" || r.Server != "web" || r.Path != "/wait/ever" {
		t.Errorf("running: %+v", r)
	}
	if err := server.Requests().Cancel(seen[0].ID, "ann"); err != nil {
		t.Fatal(err)
	}
	var why *requests.CancelError
	if cause := <-causes; !errors.As(cause, &why) || why.By != "ann" {
		t.Errorf("the cause is %v", cause)
	}
	<-ended
	eventually(t, "it is not counted as cancelled", func() bool {
		all := requests.Summaries(group.Stats.Snapshot())
		return len(all) == 1 && all[0].Cancelled == 1 && all[0].Server == "web"
	})
}
