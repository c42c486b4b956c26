package meta

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/support-go/support/meta/ui"
)

func itoa(n int) string { return strconv.Itoa(n) }

// app is a Handler at work.
type app struct {
	*Handler
	pages    []Page // all of them, in the order of the menu
	commands []Command
	routes   []route
	mux      map[string]route // by method and first element of the path
	sources  func(context.Context) []Source
	render   *ui.Renderer
	sessions *sessions
	history  *history
	audit    *audit
	cross    *http.CrossOriginProtection
	busy     chan struct{} // requests that are being answered
	local    looks         // pages that run here
	last     lastAnswers
	costly   chan struct{} // the one costly page that is being looked at
	streams  chan struct{}
	over     chan struct{} // closed when streams are to end
	endOnce  sync.Once

	resets resets

	mu      sync.Mutex
	cached  map[string]cachedNumbers
	lastRun map[string]time.Time // of costly pages
}

// Bounds of what visitors make a Handler do.
const (
	requestsAtOnce = 64
	streamsAtOnce  = 32
	pageTime       = 5 * time.Second
	maxQuery       = 4 << 10
	maxPath        = 1 << 10
	maxForm        = 16 << 10
)

func newApp(h *Handler) *app {
	a := &app{
		Handler: h, sources: h.Sources, render: ui.New(), sessions: newSessions(), audit: &audit{log: h.log()},
		cross: http.NewCrossOriginProtection(),
		busy:  make(chan struct{}, requestsAtOnce), costly: make(chan struct{}, 1),
		streams: make(chan struct{}, streamsAtOnce),
		over:    make(chan struct{}), cached: make(map[string]cachedNumbers), lastRun: make(map[string]time.Time),
	}
	a.history = newHistory()
	a.pages = a.allPages()
	a.commands = a.allCommands()
	if a.sources == nil {
		own := []Source{local(h.Pages, a.commands)}
		a.sources = func(context.Context) []Source { return own }
	}
	a.routes = a.allRoutes()
	a.mux = make(map[string]route)
	for _, r := range a.routes {
		a.mux[r.method+" "+r.path] = r
	}
	return a
}

// allPages are those that are always there, and those of the program.
func (a *app) allPages() []Page {
	all := []Page{{Path: "", Title: "Overview", Section: Serves, Key: "o", Run: a.overview, here: true}}
	if a.Stats != nil {
		all = append(all,
			Page{Path: "requests", Title: "Requests", Section: Serves, Key: "q", Run: a.requestsPage, here: true},
			Page{Path: "requests/", Title: "Route", Section: Serves, Hidden: true, Run: a.routePage, here: true},
			Page{Path: "stats", Title: "Stats", Section: Made, Key: "s", Run: a.statsPage, here: true},
			Page{Path: "stats/", Title: "Instrument", Section: Made, Hidden: true, Run: a.instrumentPage, here: true},
			Page{Path: "talkers", Title: "Top talkers", Section: Made, Key: "t", Run: a.talkersPage, here: true},
		)
	}
	all = append(all, a.Pages...)
	if a.Group != nil {
		all = append(all, Page{Path: "config", Title: "Config", Section: Said, Key: "c", Run: a.configPage, here: true})
	}
	all = append(all,
		Page{Path: "console", Title: "Console", Section: Said, Key: "x", Run: a.consolePage, here: true},
		Page{Path: "actions", Title: "Actions", Section: Said, Key: "a", Run: a.actionsPage, here: true},
		Page{Path: "api", Title: "API", Section: Said, Hidden: true, Run: a.apiPage, here: true},
		Page{Path: "search", Title: "Search", Section: Said, Hidden: true, Run: a.searchPage, here: true},
	)
	return all
}

// allCommands are those that are always there, and those of the program. One
// that is wrong in itself is left out, and the log says why.
func (a *app) allCommands() []Command {
	var all []Command
	if a.Stats != nil {
		all = append(all, a.resetCommand())
	}
	for _, c := range a.Console.Commands {
		err := c.Check()
		if err == nil && findCommand(all, c.Name) != nil {
			err = fmt.Errorf("command %q: there are two of that name", c.Name)
		}
		if err != nil {
			a.log().Error("a command is left out", "error", err)
			continue
		}
		all = append(all, c)
	}
	return all
}

// group is what is known of the processes; of a program alone, that it runs.
func (a *app) group(ctx context.Context) (Group, error) {
	if a.Group == nil {
		return Group{Phase: "running", State: "ok"}, nil
	}
	return a.Group(ctx)
}

func (a *app) endStreams() { a.endOnce.Do(func() { close(a.over) }) }

// route is an address, by its first element, and what may be done there.
type route struct {
	method string
	path   string // "*" for any that no other route has
	role   Role
	handle func(w http.ResponseWriter, r *http.Request, v *visitor)
}

func (a *app) allRoutes() []route {
	return []route{
		{http.MethodGet, "*", Nobody, a.showPage}, // pages know their roles
		{http.MethodGet, "static", Nobody, a.showStatic},
		{http.MethodGet, "schema", Viewer, a.showSchema}, // pages know their roles
		{http.MethodGet, "login", Nobody, a.loginPage},
		{http.MethodPost, "login", Nobody, a.login},
		{http.MethodPost, "logout", Viewer, a.logout},
		{http.MethodPost, "theme", Viewer, a.theme},
		{http.MethodPost, "do", Viewer, a.do}, // commands know their roles
	}
}

// find returns the route of a request, or the methods that its path takes.
func (a *app) find(method, path string) (route, []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	first, _, _ := strings.Cut(path, "/")
	if r, ok := a.mux[method+" "+first]; ok {
		return r, nil
	}
	var allowed []string
	for _, r := range a.routes {
		if r.path == first {
			allowed = append(allowed, r.method)
		}
	}
	if allowed != nil {
		return route{}, allowed
	}
	if method == http.MethodGet {
		return a.mux["GET *"], nil
	}
	return route{}, []string{http.MethodGet}
}

// page returns the page at a path, and its questions.
func (a *app) page(path string, r *http.Request) (*Page, map[string][]string) {
	if path == "overview" {
		path = ""
	}
	return find(a.pages, path, questions(r))
}

// questions are those of an address, of which pages may show what they like:
// no character in them acts on what stands beside it.
func questions(r *http.Request) url.Values {
	clean := make(url.Values)
	for key, values := range r.URL.Query() {
		for _, v := range values {
			clean.Add(printable(key), printable(v))
		}
	}
	return clean
}

// printable replaces what is not shown as itself, such as control characters
// and those that turn the direction of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

// inMenu are the pages that the menu shows, by section.
func (a *app) inMenu() [][]Page {
	var menu [][]Page
	for _, section := range []Section{Serves, Made, Own, Said} {
		var pages []Page
		for _, p := range a.pages {
			if p.Section == section && !p.Hidden {
				pages = append(pages, p)
			}
		}
		if len(pages) > 0 {
			slices.SortStableFunc(pages, func(a, b Page) int { return menuRank(a.Path) - menuRank(b.Path) })
			menu = append(menu, pages)
		}
	}
	return menu
}

// menuRank is the place of a page that everybody knows; others follow.
func menuRank(path string) int {
	known := []string{
		"", "requests", "inflight", "servers", "upstreams", "connections", "files",
		"stats", "talkers", "goroutines", "memory", "profile", "runtime",
		"logs", "config", "objects", "console", "actions",
	}
	if i := slices.Index(known, path); i >= 0 {
		return i
	}
	return len(known)
}
