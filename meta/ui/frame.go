package ui

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/support-go/support/internal/human"
	"github.com/support-go/support/meta/data"
)

// Frame is a page: a View, and what stands around it.
type Frame struct {
	Group  string // name of the group
	Place  string // host and generation
	Path   string // of this page, relative to the first
	Title  string
	Small  string // behind the title
	View   data.View
	Now    time.Time
	Query  url.Values // as asked for
	Nav    [][]Item
	Crumbs []Item // what the page is below
	Scope  []Item // whose numbers they are
	Ranges []Item // how far back charts go
	Person Person
	Live   time.Duration // between two looks; 0 for a page that stands still
	Foot   Foot
}

// Item is a link of a menu.
type Item struct {
	Title   string
	Href    string // relative to the first page
	Current bool
	Count   string // beside the title
	Trouble string // the same, in red
	Key     string // behind g
	Shape   data.State
	Why     string
}

// Person is whoever looks.
type Person struct {
	Name     string // and role
	CSRF     string // for forms
	Theme    string // dark, light or none
	MayAsk   bool   // to log in
	LoggedIn bool
}

// Foot is what a page says about itself.
type Foot struct {
	Cost  string // time taken, who answered, size
	JSON  bool   // there is a form for programs
	Links []Item
}

// page is what the template sees.
type page struct {
	*Frame
	scope
	Groups    []group
	Nav       [][]Item
	Crumbs    []Item
	Scope     []Item
	Ranges    []Item
	Foot      foot
	Theme     string
	Themes    []Item
	CSRF      string
	Who       string
	LoginHref string
	Logout    bool
	Trouble   bool
	Live      int // milliseconds
	static    *Static
}

// group is a run of blocks that stand side by side, or one that does not.
type group struct {
	Two    bool
	Blocks []*block
}

type foot struct {
	ISO, Clock, Cost, JSON string
	Links                  []Item
}

// Static returns the address of something that pages refer to.
func (p *page) Static(name string) string { return p.Rel + p.static.Path(name) }

func (r *Renderer) page(f *Frame) *page {
	s := newScope(f)
	p := &page{
		Frame: f, scope: s, static: r.static,
		Theme: f.Person.Theme, Themes: themes(f.Person.Theme), CSRF: f.Person.CSRF, Who: f.Person.Name,
		Logout: f.Person.LoggedIn, Live: int(f.Live.Milliseconds()),
		Crumbs: s.items(f.Crumbs), Scope: s.items(f.Scope), Ranges: s.items(f.Ranges),
		Foot: foot{
			ISO: f.Now.UTC().Format(time.RFC3339), Clock: human.Clock(f.Now), Cost: f.Foot.Cost, Links: s.items(f.Foot.Links),
		},
	}
	if f.Foot.JSON {
		p.Foot.JSON = s.href(jsonPath(f.Path) + query(f.Query))
	}
	if slices.ContainsFunc(f.View.Blocks, func(b data.Block) bool { return b.Charts != nil }) {
		link := Item{Title: "Points as tables", Href: s.with("table", "1")}
		if f.Query.Get("table") != "" {
			link = Item{Title: "Without points", Href: s.with("table", "")}
		}
		p.Foot.Links = append([]Item{link}, p.Foot.Links...)
	}
	if f.Person.MayAsk {
		p.LoginHref = s.href("login")
	}
	for _, items := range f.Nav {
		p.Nav = append(p.Nav, s.items(items))
		for _, item := range items {
			p.Trouble = p.Trouble || item.Trouble != ""
		}
	}
	p.Groups = s.groups(f.View.Blocks)
	return p
}

func jsonPath(p string) string {
	if p == "" {
		p = "overview"
	}
	return p + ".json"
}

func query(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// themes are those to choose from: that of the system until somebody does.
func themes(theme string) []Item {
	return []Item{
		{Title: "System", Href: "system", Current: theme == ""},
		{Title: "Light", Href: "light", Current: theme == "light"},
		{Title: "Dark", Href: "dark", Current: theme == "dark"},
	}
}

// scope is what all parts of a page need to know.
type scope struct {
	Rel   string // how to get from this page to the first
	now   time.Time
	query url.Values
	csrf  string
	open  string // the row that is opened
}

func newScope(f *Frame) scope {
	rel := strings.Repeat("../", strings.Count(f.Path, "/"))
	if rel == "" {
		rel = "./"
	}
	return scope{Rel: rel, now: f.Now, query: f.Query, csrf: f.Person.CSRF, open: f.Query.Get("open")}
}

// href makes a link to a page, given relative to the first, one that works from
// here. One that leaves these pages is no link.
func (s scope) href(to string) string {
	switch {
	case to == "", strings.HasPrefix(to, "?"), strings.HasPrefix(to, "#"):
		return to
	case strings.HasPrefix(to, "/"), strings.Contains(strings.SplitN(to, "/", 2)[0], ":"), strings.HasPrefix(path.Clean(to), ".."):
		return ""
	case to == ".":
		return s.Rel
	}
	return s.Rel + to
}

func (s scope) items(items []Item) []Item {
	out := make([]Item, len(items))
	for i, item := range items {
		item.Href = s.href(item.Href)
		out[i] = item
	}
	return out
}

// with returns the address of this page with one question changed.
func (s scope) with(key, value string) string {
	q := url.Values{}
	for k, v := range s.query {
		q[k] = v
	}
	q.Set(key, value)
	if value == "" {
		q.Del(key)
	}
	return "?" + q.Encode()
}
