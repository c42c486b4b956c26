package meta

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/support-go/support/meta/data"
)

// Evaluate returns the value of an expression over roots. It asks for those only
// that the expression names, changes nothing, calls nothing of the program, and
// bounds the time and memory that it takes. Package meta/console has one.
type Evaluate func(ctx context.Context, expression string, roots []Root) (any, error)

// Root is a value of which expressions can speak: of maps, slices, strings,
// float64s, bools and nils alone, and nobody else's.
type Root struct {
	Name string
	Help string
	Get  func(ctx context.Context) (any, error)
}

// roots are all pages that have a name of their own, and take no more than the
// page Console may.
func (a *app) roots(ctx context.Context) []Root {
	l := lookOf(ctx)
	var all []Root
	for i := range a.pages {
		p := &a.pages[i]
		if !isRoot(p) || l.who.Role < p.Role {
			continue
		}
		all = append(all, Root{Name: rootName(p), Help: p.Title, Get: func(ctx context.Context) (any, error) { return a.rootOf(ctx, l, p) }})
	}
	return all
}

func isRoot(p *Page) bool {
	return !strings.HasSuffix(p.Path, "/") && p.Cost == Cheap && !slices.Contains([]string{"console", "search", "api", "actions"}, p.Path)
}

func rootName(p *Page) string {
	if p.Path == "" {
		return "overview"
	}
	return p.Path
}

// rootOf is a page as plain values: its blocks by name.
func (a *app) rootOf(ctx context.Context, l *look, p *Page) (any, error) {
	if p.Path == "objects" {
		return a.objects(ctx, l.query.Get(workerInput))
	}
	asked := &look{page: p, path: p.Path, query: only(l.query, workerInput), who: l.who}
	a.take(ctx, asked)
	for _, got := range asked.answers {
		if got.err != nil {
			return nil, fmt.Errorf("%s: %w", got.name, got.err)
		}
	}
	return asked.view.Values(), nil
}

// objects are copies of what the program hands out, by name, of one worker.
func (a *app) objects(ctx context.Context, worker string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for _, s := range a.sources(ctx) {
		if worker != "" && worker != s.Name {
			continue
		}
		v, err := s.view(ctx, "objects", "copy=1")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		all := make(map[string]any)
		for _, b := range v.Blocks {
			var value any
			if b.Text != nil && json.Unmarshal([]byte(b.Text.Body), &value) == nil {
				all[b.Name] = value
			}
		}
		return all, nil
	}
	return nil, errNoWorker
}

// only keeps one question of an address.
func only(q map[string][]string, name string) map[string][]string {
	kept := make(map[string][]string)
	if v, ok := q[name]; ok {
		kept[name] = v
	}
	return kept
}

func (a *app) rootTable() Block {
	if a.Console.Evaluate == nil {
		return Block{Title: "Expressions are off", Notice: &data.Notice{
			Text: data.Words("With an evaluator, questions can be asked here of all that the pages show."), Code: "group.Console(console.Evaluate) // from package meta/console",
		}}
	}
	t := &Table{Key: "root", Columns: []Column{{Name: "root", Title: "Root", Unit: data.UnitCode}, {Name: "what", Title: "What"}, {Name: "example", Title: "For instance", Unit: data.UnitCode, Wrap: true}}}
	examples := map[string]string{
		"requests": "filter(requests.routes, .p99 > 0.1)", "stats": "filter(stats.instruments, .name startsWith \"http.\")", "overview": "overview.processes",
		"objects": "objects",
	}
	for i := range a.pages {
		if p := &a.pages[i]; isRoot(p) {
			name := rootName(p)
			example := examples[name]
			if example == "" {
				example = "keys(" + name + ")"
			}
			t.Add(Cell{Value: name, Href: p.Path}, p.Title, Cell{Value: example, Href: "console?line=" + url.QueryEscape(example)})
		}
	}
	return Block{Name: "roots", Title: "Roots", Note: data.Words("each page is a root: its tables are lists of rows, its fields a map"), Table: t}
}
