package support

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

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
// for.
func (g *Group) answer(s *Server, ask status, sum totals) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) {
		_, err := askInTime(r, ask)
		verdict(w, err)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		state, err := askInTime(r, ask)
		if err == nil {
			err = ready(state)
		}
		verdict(w, err)
	})
	s.Handler = mux
	if s.metrics {
		mux.Handle("GET /metrics", g.metrics(sum))
	}
	if !s.meta {
		return
	}
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, r *http.Request) {
		state, err := askInTime(r, ask)
		if err != nil {
			verdict(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(state) // the client may have gone
	})
	s.Handler = onlyLocal(s, mux)
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

// onlyLocal refuses requests for any host but the one that s listens on: a web
// page that has its own name resolve to a loopback address (DNS rebinding)
// cannot read what this machine's users can.
func onlyLocal(s *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		ip := net.ParseIP(host)
		_, unix := s.Addr().(*net.UnixAddr)
		if !unix && !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this is not "+host, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
