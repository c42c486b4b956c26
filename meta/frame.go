package meta

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
	"github.com/support-go/support/meta/ui"
)

func agoOf(t time.Time) string { return human.Ago(t, time.Now()) }

// frame puts around a view what every page has.
func (a *app) frame(l *look, r *http.Request) *ui.Frame {
	f := &ui.Frame{
		Group: a.Name, Place: place(l.group), Path: l.path, Title: l.page.Title, View: cut(l.view), Now: time.Now(),
		Query: asked(l), Nav: a.nav(l), Live: a.every(l), Ranges: rangesOf(l),
		Person: ui.Person{Theme: theme(r), CSRF: a.sessions.csrf(l.who.anchor()), LoggedIn: l.who.session != ""},
		Foot:   ui.Foot{Cost: cost(l), JSON: l.page.Run != nil, Links: []ui.Item{{Title: "API", Href: "api"}}},
	}
	if f.Group == "" {
		f.Group = "this program"
	}
	f.Person.Name = shownName(l.who.Person)
	f.Person.MayAsk = len(a.Access.Tokens) > 0 && l.who.session == "" && l.who.Role < Operator
	if name := l.query.Get("name"); name != "" && strings.HasSuffix(l.page.Path, "/") {
		parent := strings.TrimSuffix(l.page.Path, "/")
		if p, _ := find(a.pages, parent, nil); p != nil {
			f.Crumbs = []ui.Item{{Title: p.Title, Href: parent}}
		}
		f.Title, f.Small = name, labelsOf(l.query)
	}
	if l.page.Run != nil && !l.page.here || slices.Contains([]string{"", "requests", "requests/", "stats", "stats/", "talkers"}, l.page.Path) {
		f.Scope = a.scope(l)
	}
	return f
}

// shownName is who looks, with his role, unless that is his name or he has none.
func shownName(p Person) string {
	switch role := p.Role.String(); {
	case p.Role == Nobody:
		return p.Name
	case p.Name == role, p.Name == anybody:
		return role
	default:
		return p.Name + " · " + role
	}
}

// asked are the questions of the page's address. What its path names is none of
// them.
func asked(l *look) url.Values {
	q := maps.Clone(l.query)
	if strings.HasSuffix(l.page.Path, "/") {
		delete(q, "name")
	}
	return q
}

// rangesOf lets choose how far back charts go, where there are any.
func rangesOf(l *look) []ui.Item {
	if !slices.ContainsFunc(l.view.Blocks, func(b Block) bool { return b.Charts != nil }) {
		return nil
	}
	var items []ui.Item
	p := past{within: kept}
	for _, r := range ranges() {
		p.within = r.Time
		value := r.Name
		if r.Time == kept {
			value = ""
		}
		items = append(items, ui.Item{Title: p.name(), Href: withQuery(l.query, "range", value), Current: l.query.Get("range") == value})
	}
	return items
}

func place(g Group) string {
	host, err := os.Hostname()
	if err != nil {
		host = "here"
	}
	if g.Generation > 0 {
		host += fmt.Sprintf(" · gen %d", g.Generation)
	}
	return host
}

func theme(r *http.Request) string {
	c, err := r.Cookie(themeCookie)
	if err != nil || c.Value != "dark" && c.Value != "light" {
		return ""
	}
	return c.Value
}

// cost says what this look has taken.
func cost(l *look) string {
	took := human.Duration(l.took.Seconds()).String()
	if l.page.here || l.answers == nil {
		return took
	}
	good := 0
	for _, got := range l.answers {
		if got.err == nil {
			good++
		}
	}
	return fmt.Sprintf("%d of %d workers · %s", good, len(l.answers), took)
}

// every is the time between two looks of a page that is live.
func (a *app) every(l *look) time.Duration {
	switch {
	case l.page.Run == nil, l.page.Cost == Costly, l.query.Get("open") != "":
		return 0
	case l.page.Path == "actions", l.page.Path == "api", l.page.Path == "search", l.page.Path == "config", l.page.Path == "console":
		return 0
	}
	return 2 * time.Second
}

func (a *app) nav(l *look) [][]ui.Item {
	var nav [][]ui.Item
	for _, section := range a.inMenu() {
		var items []ui.Item
		for _, p := range section {
			item := ui.Item{Title: p.Title, Href: p.Path, Key: p.Key, Count: a.count(l, p.Path), Current: p.Path == strings.TrimSuffix(l.page.Path, "/") && l.page.Run != nil}
			if p.Path == "" {
				item.Href = "."
				item.Trouble = trouble(l.group)
			}
			items = append(items, item)
		}
		nav = append(nav, items)
	}
	return nav
}

// count is how many there are of what a page shows, if that is known without
// asking anybody.
func (a *app) count(l *look, path string) string {
	n := 0.0
	switch path {
	case "inflight", "connections":
		for _, p := range l.group.Processes {
			switch {
			case !p.Serves: // those who look at pages are not on them
			case path == "inflight":
				n += p.Running
			default:
				n += p.Open
			}
		}
	case "stats":
		a.mu.Lock()
		n = float64(len(a.cached[""].snapshot.Series))
		a.mu.Unlock()
	}
	if n == 0 {
		return ""
	}
	return human.Count(n).String()
}

// trouble says how many processes are not well.
func trouble(g Group) string {
	n := 0
	for _, p := range g.Processes {
		if p.State == data.Wrong {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d wrong", n)
}

// scope is the switch between all, one, and side by side.
func (a *app) scope(l *look) []ui.Item {
	var workers []Process
	for _, p := range l.group.Processes {
		if p.Serves && p.State != data.Busy {
			workers = append(workers, p)
		}
	}
	if len(workers) < 2 {
		return nil
	}
	worker, side := l.query.Get("worker"), l.query.Get("side") != ""
	items := []ui.Item{{Title: "Group", Href: withQuery(l.query, "worker", "", "side", ""), Current: worker == "" && !side}}
	for _, p := range workers {
		item := ui.Item{Title: p.Name, Href: withQuery(l.query, "worker", p.Name, "side", ""), Current: p.Name == worker, Why: p.Why}
		if p.State == data.Look || p.State == data.Wrong {
			item.Shape = p.State
		}
		items = append(items, item)
	}
	if !l.page.here {
		items = append(items, ui.Item{Title: "Side by side", Href: withQuery(l.query, "side", "1", "worker", ""), Current: side})
	}
	return items
}

// labelsOf are those of an instrument, by its address.
func labelsOf(q map[string][]string) string {
	var all []string
	for key, values := range q {
		if label, ok := strings.CutPrefix(key, "l."); ok {
			all = append(all, label+"="+values[0])
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// withQuery is a link to the same page with some questions changed.
func withQuery(query map[string][]string, changes ...string) string {
	var pairs []string
	for k, v := range query {
		if k != "name" && len(v) > 0 && !contains(changes, k) {
			pairs = append(pairs, k, v[0])
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] != "" {
			pairs = append(pairs, changes[i], changes[i+1])
		}
	}
	return ui.Query(pairs...)
}

func contains(pairs []string, key string) bool {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == key {
			return true
		}
	}
	return false
}
