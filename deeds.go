package support

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/portrait"
	"github.com/support-go/support/requests"
)

// actions are what operators can do to the group.
func (v *panorama) actions() []meta.Action {
	var workers []string
	for i := range v.group.Workers {
		workers = append(workers, fmt.Sprintf("w%d", i+1))
	}
	which := []data.Input{{Name: "worker", Title: "Worker", Choices: append([]string{"all"}, workers...), Value: "all"}}
	request := []data.Input{{Name: "id", Title: "Request"}}
	all := []meta.Action{
		{Name: "gc", Title: "Collect garbage", Inputs: which, Effect: "Runs a garbage collection and gives free memory back to the system: a few milliseconds of processor time for each 10 MiB."},
		{Name: "log-level", Title: "Change what is logged", Inputs: append(slices.Clip(which), logInputs()...), Effect: "Writes the log from another level on, for a time, after which all is as before. What is below info may be much."},
		{Name: "cancel", Title: "Cancel a request", Inputs: request, Danger: true, Effect: "Ends the context of one running request; its handler decides what the client gets."},
	}
	for i := range all {
		all[i].Everywhere = v.dir != ""
		all[i].Run = func(ctx context.Context, args url.Values) (string, error) { return v.group.act(ctx, all[i].Name, args) }
	}
	if v.dir == "" { // there is no supervisor
		all[0].Inputs, all[1].Inputs = nil, logInputs()
		return all
	}
	return append([]meta.Action{
		{Name: "reload", Title: "Reload", Effect: "Replaces all workers one by one by fresh processes of the same program; no request is refused or lost.", Run: v.reload},
		{Name: "stop-worker", Title: "Replace a worker", Danger: true, Everywhere: true, Inputs: []data.Input{{Name: "worker", Title: "Worker", Choices: workers, Value: workers[0]}},
			Effect: "The worker stops accepting, finishes what it has, and ends; the supervisor starts another one in its place."},
	}, all...)
}

// reload asks the supervisor, and returns when it is done, or when it is this
// process's own turn to be replaced.
func (v *panorama) reload(ctx context.Context, _ url.Values) (string, error) {
	began := time.Now()
	ended := make(chan error, 1) // has room for one that nobody waits for
	go func() {
		_, err := control.Ask(context.WithoutCancel(ctx), filepath.Join(v.dir, "control.sock"), control.Request{Do: "reload"}, nil)
		ended <- err
	}()
	select {
	case err := <-ended:
		return "reloaded in " + human.Duration(time.Since(began).Seconds()).String(), err
	case <-Draining(ctx):
		return "reloading: this page is being replaced as well", nil
	case <-ctx.Done():
		return "reloading", nil
	}
}

// obey carries out, in a worker, what an operator has asked for.
func (g *Group) obey(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	said, err := g.act(r.Context(), r.PathValue("action"), r.Form)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	_, _ = fmt.Fprintln(w, said)
}

func (g *Group) act(_ context.Context, action string, args url.Values) (string, error) {
	switch action {
	case "gc":
		began := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		debug.FreeOSMemory()
		runtime.ReadMemStats(&after)
		return fmt.Sprintf("heap from %s to %s in %s", human.Of(float64(before.HeapAlloc), human.Memory),
			human.Of(float64(after.HeapAlloc), human.Memory), human.Duration(time.Since(began).Seconds())), nil
	case "log-level":
		return g.setLogLevel(args)
	case "cancel":
		return g.cancelRequest(args.Get("id"), args.Get("by"))
	case "stop-worker":
		return "drains", terminate()
	}
	return "", fmt.Errorf("support: no such action: %q", action)
}

// cancelRequest ends a request, if it runs in this process.
func (g *Group) cancelRequest(text, by string) (string, error) {
	id, err := requests.ParseID(text)
	if err != nil {
		return "", err
	}
	for _, rec := range g.recorders() {
		switch err := rec.Cancel(id, by); {
		case err == nil:
			return "cancelled " + text, nil
		case !errors.Is(err, requests.ErrNotRunning):
			return "", err
		}
	}
	return "", requests.ErrNotRunning
}

// access is who may see a server's page: what it says, or, on an address that
// only this machine reaches, anybody, and who has the operator's token may act.
func (v *panorama) access(s *Server) (meta.Access, error) {
	if s.Access.Who != nil || len(s.Access.Tokens) > 0 || s.Access.Anybody != meta.Nobody {
		return s.Access, nil
	}
	access := s.Access
	access.Anybody = meta.Viewer
	if v.dir == "" {
		return access, nil
	}
	token, err := portrait.NewToken(v.dir)
	if err != nil {
		return access, err
	}
	access.Tokens = []meta.Token{{Name: "operator", Role: meta.Operator, Hash: meta.HashToken(token)}}
	return access, nil
}
