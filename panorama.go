package support

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/support-go/support/internal/inspect"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/objects"
	"github.com/support-go/support/meta/pages"
	"github.com/support-go/support/meta/portrait"
	"github.com/support-go/support/prefork"
	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

// Page adds a page to those of Meta. It runs in each process that serves, and
// returns what data.From of package meta/data takes: a table, fields, a chart,
// a struct, a slice of structs. Tags say how values of several workers merge.
func (g *Group) Page(path, title string, run func(ctx context.Context) (any, error)) {
	g.pages = append(g.pages, meta.Page{Path: path, Title: title, Run: func(ctx context.Context, _ url.Values) (any, error) {
		return run(ctx)
	}})
}

// ownPages are all pages that run in a process that serves.
func (g *Group) ownPages() []meta.Page {
	all := append(pages.Process(), pages.Requests(g.recorders)...)
	all = append(all, g.servingPages()...)
	all = append(all, objects.Pages(g.objects)...)
	return append(append(all, g.logPage()), g.pages...)
}

func (g *Group) recorders() []*requests.Recorder {
	var all []*requests.Recorder
	for _, s := range g.servers {
		if rec := s.Requests(); rec != nil {
			all = append(all, rec)
		}
	}
	return all
}

// beSeen answers the questions of the meta process, in a worker.
func (g *Group) beSeen(w *prefork.Worker) func(context.Context) {
	return func(ctx context.Context) {
		if len(g.admin) == 0 || w.Dir() == "" {
			return
		}
		mux := http.NewServeMux()
		mux.Handle("GET /page/", http.StripPrefix("/page", meta.Serve(g.ownPages())))
		mux.Handle("POST /do/", http.StripPrefix("/do", meta.ServeCommands(g.ownCommands())))
		if err := inspect.Serve(ctx, seenAt(w.Dir(), pid()), mux); err != nil {
			g.logger().Error("this worker cannot be looked at", "error", err)
		}
	}
}

// seenAt is where a worker answers the meta process.
func seenAt(dir string, pid int) string { return filepath.Join(dir, fmt.Sprintf("seen.%d.sock", pid)) }

// panorama is what the process that shows a group knows of it. Alone, it shows
// itself.
type panorama struct {
	group   *Group
	lanes   []portrait.Setting // as they were when nobody used them
	ask     status
	numbers totals
	of      func(pid int) (stats.Snapshot, bool) // of one process; nil alone
	dir     string                               // where workers answer

	mu      sync.Mutex
	state   prefork.State // as of at
	problem error
	at      time.Time
	clients map[int]*http.Client // by process id
}

// stateAge is for how long the supervisor is not asked again.
const stateAge = 500 * time.Millisecond

func (v *panorama) know(ctx context.Context) (prefork.State, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.at) < stateAge {
		return v.state, v.problem
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v.state, v.problem = v.ask(ctx)
	v.at = time.Now()
	return v.state, v.problem
}

// show is meta.Handler's Group.
func (v *panorama) show(ctx context.Context) (meta.Group, error) {
	state, err := v.know(ctx)
	if err != nil {
		return meta.Group{}, err
	}
	shown := portrait.Group(state, time.Now())
	shown.Config = v.group.settings(v.lanes)
	if sum, err := v.numbers(ctx); err == nil { // else pages of statistics say why not
		shown.Findings = portrait.Findings(v.group.facts(state, sum))
	}
	return shown, nil
}

// statistics is meta.Handler's Stats.
func (v *panorama) statistics(ctx context.Context, process string) (stats.Snapshot, error) {
	if process == "" || v.of == nil {
		return v.numbers(ctx)
	}
	state, err := v.know(ctx)
	if err != nil {
		return stats.Snapshot{}, err
	}
	for _, p := range state.Processes {
		if portrait.Name(p) == process {
			if s, ok := v.of(p.PID); ok {
				return s, nil
			}
		}
	}
	return stats.Snapshot{}, fmt.Errorf("support: %s has reported no statistics", process)
}

// sources is meta.Handler's Sources: the workers that serve.
func (v *panorama) sources(ctx context.Context) []meta.Source {
	state, err := v.know(ctx)
	if err != nil {
		return nil
	}
	var all []meta.Source
	alive := make(map[int]bool)
	for _, p := range state.Processes {
		alive[p.PID] = true
		if p.Role == prefork.WorkerRole && p.Phase == prefork.Serving {
			all = append(all, v.source(p))
		}
	}
	v.forget(alive)
	return all
}

func (v *panorama) source(p prefork.Process) meta.Source {
	client := v.client(p.PID)
	return meta.Source{
		Name: portrait.Name(p),
		Fetch: func(ctx context.Context, path, query string) (io.ReadCloser, error) {
			if v.dir == "" {
				return nil, errors.New("without a runtime directory workers cannot be asked: set Dir")
			}
			return call(ctx, client, http.MethodGet, "http://worker/page/"+(&url.URL{Path: path}).EscapedPath()+"?"+query, nil)
		},
		Do: func(ctx context.Context, command string, args url.Values) (io.ReadCloser, error) {
			return call(ctx, client, http.MethodPost, "http://worker/do/"+command, args)
		},
	}
}

func (v *panorama) client(pid int) *http.Client {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.clients == nil {
		v.clients = make(map[int]*http.Client)
	}
	if v.clients[pid] == nil {
		v.clients[pid] = inspect.Client(seenAt(v.dir, pid))
	}
	return v.clients[pid]
}

func (v *panorama) forget(alive map[int]bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for pid, client := range v.clients {
		if !alive[pid] {
			client.CloseIdleConnections()
			delete(v.clients, pid)
		}
	}
}

// call asks a worker, and makes an error of any answer but 200.
func call(ctx context.Context, client *http.Client, method, to string, form url.Values) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, fmt.Errorf("no answer in time: %w", cause)
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) { // its socket has gone with it
			return nil, errors.New("no answer: this process has ended or is about to; ask again")
		}
		return nil, fmt.Errorf("no answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		said, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		if resp.StatusCode == http.StatusNotFound {
			return nil, errors.Join(meta.ErrNotHere, err)
		}
		return nil, errors.Join(errors.New(strings.TrimSpace(string(said))), err)
	}
	return resp.Body, nil
}
