package support

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/prefork"
)

// status tells what is known of the group.
type status func(ctx context.Context) (prefork.State, error)

func pid() int { return os.Getpid() }

// state describes a group that serves in one process, as a supervisor would.
func (p *process) state(started time.Time) (prefork.State, error) {
	counts, err := p.page.Counts()
	s := prefork.State{
		Name: p.group.Name, PID: pid(), Phase: prefork.GroupServing, Generation: 1, Started: started,
		Processes: []prefork.Process{{
			Serial: 1, Role: prefork.WorkerRole, PID: pid(), Generation: 1, Phase: prefork.Serving,
			Started: started, Ready: started, Heard: time.Now(), Counts: counts,
		}},
	}
	for _, server := range p.group.all() {
		b := prefork.Bound{Socket: prefork.Socket{Socket: server.socket(), Role: server.role}, Descriptor: -1}
		if addr := server.Addr(); addr != nil {
			b.Actual = addr.String()
		}
		s.Sockets = append(s.Sockets, b)
	}
	if p.stopping.Load() || p.leaving.Load() {
		s.Phase, s.Processes[0].Phase = prefork.GroupStopping, prefork.Draining
	}
	return s, err
}

// answer makes s, which is one of the group's admin servers, tell what it is
// for. If it shows everything, it keeps what is shown of the past until the
// function that it returns is told to end.
func (g *Group) answer(s *Server, v *panorama) (run func(context.Context)) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) {
		_, err := askInTime(r, v.ask)
		verdict(w, err)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		state, err := askInTime(r, v.ask)
		if err == nil {
			err = ready(state)
		}
		verdict(w, err)
	})
	s.Handler = mux
	if s.metrics {
		mux.Handle("GET /metrics", g.metrics(v.numbers))
	}
	if !s.meta {
		return func(context.Context) {}
	}
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, r *http.Request) { answerState(w, r, v.ask) })
	access, err := v.access(s)
	if err != nil {
		g.logger().Warn("nobody can act on the page", "error", err)
	}
	page := &meta.Handler{
		Name: g.Name, Access: access, Stats: v.statistics, Group: v.show, Pages: g.ownPages(), Log: g.logger(),
		Console: meta.Console{Commands: v.commands(), On: g.console, Evaluate: g.evaluate},
		Help:    g.Stats.Help,
	}
	if v.of != nil {
		page.Sources = v.sources
	}
	guarded := page.Guard(meta.Viewer, mux)
	all := http.NewServeMux()
	for _, path := range []string{"/status.json", "/metrics"} {
		all.Handle(path, guarded)
	}
	for _, path := range []string{"/livez", "/readyz"} {
		all.Handle(path, page.Guard(meta.Nobody, mux))
	}
	all.Handle("/", page)
	s.Handler = all
	return func(ctx context.Context) { _ = page.Run(ctx) } // its error is that ctx has ended
}

func answerState(w http.ResponseWriter, r *http.Request, ask status) {
	state, err := askInTime(r, ask)
	if err != nil {
		verdict(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(state) // the client may have gone
}

// answerAll is answer for all admin servers.
func (g *Group) answerAll(v *panorama) (run []func(context.Context)) {
	for _, s := range g.admin {
		run = append(run, g.answer(s, v))
	}
	return run
}

// patience is how long a question to the supervisor may take.
const patience = 2 * time.Second

func askInTime(r *http.Request, ask status) (prefork.State, error) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	return ask(ctx)
}

// ready says why the group should get no new work, if it should not.
func ready(s prefork.State) error {
	serving := 0
	for _, p := range s.Processes {
		if p.Role == prefork.WorkerRole && p.Phase == prefork.Serving {
			serving++
		}
	}
	switch {
	case s.Phase == prefork.GroupStopping:
		return errors.New("the group is stopping")
	case serving == 0:
		return fmt.Errorf("no worker serves: the group is %s", s.Phase)
	}
	return nil
}

// verdict answers a probe.
func verdict(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, err) // the client may have gone
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
