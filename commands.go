package support

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/support-go/support/internal/control"
	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/requests"
)

// Command adds something that can be done, or asked, with typed arguments, on
// the page Console of Meta and by a POST; one with a Button on the page Actions
// as well. It runs in processes that serve, as its Where says.
func (g *Group) Command(c meta.Command) { g.commands = append(g.commands, c) }

// Console turns the page Console of Meta on, where commands can be typed.
// With the Evaluate of package meta/console, expressions over all that the
// pages show can be typed too; nil leaves them out.
func (g *Group) Console(evaluate meta.Evaluate) { g.console, g.evaluate = true, evaluate }

// logLevel is the command that is carried out by each process, of whatever role.
const logLevel = "log-level"

// ownCommands are those that a process which serves carries out.
func (g *Group) ownCommands() []meta.Command {
	all := []meta.Command{
		{
			Name: "gc", Button: &meta.Button{Title: "Collect garbage"}, Run: collectGarbage,
			Help: "Runs a garbage collection and gives free memory back to the system: a few milliseconds of processor time for each 10 MiB.",
		}, {
			Name: logLevel, Where: meta.All, Button: &meta.Button{Title: "Change what is logged"}, Inputs: logInputs(), Run: g.setLogLevel,
			Help: "Writes the log from another level on, for a time, after which all is as before. What is below info may be much.",
		}, {
			Name: "cancel", Button: &meta.Button{Title: "Cancel a request", Danger: true}, Run: g.cancelRequest,
			Inputs: []data.Input{{Name: "id", Title: "Request", Required: true}},
			Help:   "Ends the context of one running request; its handler decides what the client gets.",
		},
	}
	if g.supervised() {
		all = append(all, meta.Command{
			Name: "stop-worker", Button: &meta.Button{Title: "Stop a worker", Danger: true},
			Inputs: []data.Input{{Name: "worker", Title: "Worker", Required: true}},
			Help:   "The worker stops accepting, finishes what it has, and ends; the supervisor starts another one in its place. Until that is ready there is one fewer.",
			Run:    func(context.Context, meta.Call) (any, error) { return "drains", terminate() },
		})
	}
	return append(all, g.commands...)
}

// commands are all that can be done with the group.
func (v *panorama) commands() []meta.Command {
	drain := meta.Command{
		Name: "drain", Where: meta.Here, Button: &meta.Button{Title: "Drain and end", Danger: true}, Run: v.drain,
		Help: "The whole group stops: readiness goes off, nothing more is accepted, what runs is finished, and the program ends, with this page. Somebody has to start it again.",
	}
	if v.dir == "" { // there is no supervisor
		return append([]meta.Command{drain}, v.group.ownCommands()...)
	}
	own := v.group.ownCommands()
	own[slices.IndexFunc(own, func(c meta.Command) bool { return c.Name == logLevel })].Run = v.setLogLevel
	return append([]meta.Command{
		{
			Name: "reload", Where: meta.Here, Button: &meta.Button{Title: "Reload"}, Run: v.reload,
			Help: "Replaces all workers one by one by fresh processes of the same program; no request is refused or lost.",
		}, {
			Name: "scale", Where: meta.Here, Button: &meta.Button{Title: "Scale"}, Run: v.scale,
			Inputs: []data.Input{{Name: "workers", Title: "Workers", Kind: data.WholeNumber, Required: true, Least: 1, Most: 1024}},
			Help:   "Sets the number of workers, within Limits.Floor and Limits.Ceiling. Those that are too many drain, the newest first.",
		}, {
			Name: "cycle", Where: meta.Here, Button: &meta.Button{Title: "Cycle a worker"}, Run: v.cycle,
			Inputs: []data.Input{{Name: "worker", Title: "Worker, such as w2", Required: true}},
			Help:   "Starts a fresh process beside the worker, and drains the worker as soon as that is ready; there is never one fewer.",
		},
		drain,
	}, own...)
}

// supervisor asks the supervisor for something.
func (v *panorama) supervisor(ctx context.Context, r control.Request) error {
	_, err := control.Ask(ctx, filepath.Join(v.dir, "control.sock"), r, nil)
	return err
}

// reload asks the supervisor, and returns when it is done, or when it is this
// process's own turn to be replaced.
func (v *panorama) reload(ctx context.Context, _ meta.Call) (any, error) {
	began := time.Now()
	ended := make(chan error, 1) // has room for one that nobody waits for
	go func() { ended <- v.supervisor(context.WithoutCancel(ctx), control.Request{Do: "reload"}) }()
	select {
	case err := <-ended:
		return "reloaded in " + human.Duration(time.Since(began).Seconds()).String(), err
	case <-Draining(ctx):
		return "reloading: this page is being replaced as well", nil
	case <-ctx.Done():
		return "reloading", nil
	}
}

func (v *panorama) scale(ctx context.Context, call meta.Call) (any, error) {
	n := call.Int("workers")
	return fmt.Sprintf("scaling to %d workers", n), v.supervisor(ctx, control.Request{Do: "scale", Workers: n})
}

func (v *panorama) cycle(ctx context.Context, call meta.Call) (any, error) {
	slot, err := strconv.Atoi(strings.TrimPrefix(call.Text("worker"), "w"))
	if err != nil || slot < 1 {
		return nil, fmt.Errorf("support: no worker %q: give one that the overview shows, such as w2", call.Text("worker"))
	}
	return fmt.Sprintf("worker %d is being replaced", slot), v.supervisor(ctx, control.Request{Do: "cycle", Slot: slot})
}

func (v *panorama) drain(ctx context.Context, call meta.Call) (any, error) {
	if v.dir == "" {
		return "drains", v.group.leaveAsked(call.By)
	}
	return "drains", v.supervisor(ctx, control.Request{Do: "stop"})
}

func collectGarbage(context.Context, meta.Call) (any, error) {
	began := time.Now()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	debug.FreeOSMemory()
	runtime.ReadMemStats(&after)
	return fmt.Sprintf("heap from %s to %s in %s", human.Of(float64(before.HeapAlloc), human.Memory),
		human.Of(float64(after.HeapAlloc), human.Memory), human.Duration(time.Since(began).Seconds())), nil
}

// cancelRequest ends a request, if it runs in this process.
func (g *Group) cancelRequest(_ context.Context, call meta.Call) (any, error) {
	text := call.Text("id")
	id, err := requests.ParseID(text)
	if err != nil {
		return nil, err
	}
	for _, rec := range g.recorders() {
		switch err := rec.Cancel(id, call.By); {
		case err == nil:
			return "cancelled " + text, nil
		case !errors.Is(err, requests.ErrNotRunning):
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %w", meta.ErrNotHere, requests.ErrNotRunning)
}

// leaveAsked drains a group that serves in this process.
func (g *Group) leaveAsked(by string) error {
	select {
	case g.leave <- "asked to by " + by:
		return nil
	default:
		return errors.New("support: it drains already")
	}
}
