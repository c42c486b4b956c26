// Package meta shows what a program is doing, in a browser and as JSON: pages
// as data, merged over the processes of a group, closed unless told otherwise.
//
// In any net/http program:
//
//	page := &meta.Handler{
//		Name:   "shop",
//		Stats:  meta.Of(&reg),
//		Pages:  pages.Process(&reg),
//		Access: meta.Access{Tokens: []meta.Token{{Name: "ops", Role: meta.Operator, Hash: hash}}},
//	}
//	go page.Run(ctx) // keeps the last hour, for the charts
//	mux.Handle("/meta/", http.StripPrefix("/meta", page))
//
// Every address answers HTML to a browser, JSON to whoever asks for it (by
// Accept, or by ".json" behind the path), and a stream of changes to an
// EventSource.
package meta

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/support-go/support/stats"
)

// Handler shows a program, or a group of processes. Its fields must not change
// once it is used. What is left out is not shown.
type Handler struct {
	Name    string                                   // of the program
	Access  Access                                   // who may see it; the zero value lets nobody
	Stats   Numbers                                  // what it counts
	Group   func(ctx context.Context) (Group, error) // its processes; nil for a program alone
	Sources func(ctx context.Context) []Source       // that are asked for Pages; nil runs them here
	Pages   []Page                                   // besides those that are always there
	Console Console                                  // what can be done
	Log     *slog.Logger                             // default slog.Default()
	Help    func(name string) string                 // what an instrument counts, in words, as stats.Registry.Help; may be nil

	once sync.Once
	app  *app
}

// Numbers returns the statistics of one process by its name, or with an empty
// name those of all together.
type Numbers func(ctx context.Context, process string) (stats.Snapshot, error)

// Of returns the Numbers of a program that is one process.
func Of(reg *stats.Registry) Numbers {
	return func(context.Context, string) (stats.Snapshot, error) { return reg.Snapshot(), nil }
}

func (h *Handler) start() *app {
	h.once.Do(func() { h.app = newApp(h) })
	return h.app
}

func (h *Handler) log() *slog.Logger { return cmp.Or(h.Log, slog.Default()) }

// Run keeps what charts show, at most the last hour, until ctx ends, and ends
// all streams then. Without it there are no charts of what is not kept anyway.
func (h *Handler) Run(ctx context.Context) error {
	a := h.start()
	defer a.endStreams()
	return a.history.run(ctx, a)
}

// ServeHTTP answers for all pages. Its paths are relative to where it is
// mounted: use http.StripPrefix below a path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.start().serve(w, r) }
