// Package objects shows values of a running program, read only: a root that the
// program hands out, and from there by fields, keys and indices to what it
// holds. What is shown is a copy of bounded size that is made in the process
// that has the value. No method of a value is called, and what holds a secret
// by its name or type is masked.
//
//	roots := []objects.Root{{Name: "config", Get: func(context.Context) (any, error) { return config, nil }}}
//	handler := &meta.Handler{Pages: append(pages.Process(), objects.Pages(roots)...), …}
package objects

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/support-go/support/meta"
	"github.com/support-go/support/meta/data"
)

// Root is where to begin.
type Root struct {
	Name string // in addresses and expressions: letters, digits and underscores

	// Get returns a value that nobody changes any more: one made for the purpose,
	// or copied under whatever lock guards it. To read a map that the program
	// writes at the same time would end the program.
	Get func(ctx context.Context) (any, error)
}

// Check says what is wrong with the root itself.
func (r *Root) Check() error {
	unsafe := func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	if r.Name == "" || len(r.Name) > 64 || strings.ContainsFunc(r.Name, unsafe) || r.Name[0] >= '0' && r.Name[0] <= '9' {
		return fmt.Errorf("object %q: want a name of letters, digits and underscores that does not begin with a digit", r.Name)
	}
	if r.Get == nil {
		return fmt.Errorf("object %q: its function is missing", r.Name)
	}
	return nil
}

// Pages are the list of all roots, and a page for whatever is below them.
func Pages(roots []Root) []meta.Page {
	b := browser(slices.Clone(roots))
	return []meta.Page{
		{Path: "objects", Title: "Objects", Section: meta.Said, Key: "b", Run: b.list},
		{Path: "objects/", Title: "Object", Section: meta.Said, Hidden: true, Run: b.look},
	}
}

// browser walks from roots.
type browser []Root

// list names all roots. Asked for copies, it returns them, one text of JSON each.
func (b browser) list(ctx context.Context, q url.Values) (any, error) {
	if len(b) == 0 {
		return meta.Block{Title: "Objects are off", Notice: &data.Notice{
			Text: data.Words("Values of the program can be looked at here, by copies. It shows those that it hands out, in a line of Go for each:"),
			Code: "group.Object(\"config\", func(context.Context) (any, error) { return config, nil })",
		}}, nil
	}
	if q.Get("copy") != "" {
		return b.copies(ctx), nil
	}
	t := &meta.Table{Key: "object", Columns: []meta.Column{
		{Name: "object", Title: "Object", Unit: data.UnitCode}, {Name: "type", Title: "Type", Unit: data.UnitCode}, {Name: "value", Title: "Value", Unit: data.UnitCode, Wrap: true},
	}}
	for _, r := range b {
		link := meta.Cell{Value: r.Name, Href: "objects/" + url.PathEscape(r.Name)}
		v, err := r.get(ctx)
		if err != nil {
			t.Add(link, "", meta.Cell{Value: err.Error(), State: data.Look})
			continue
		}
		n := picture(v, overview())
		t.Add(link, n.kind, n.line())
	}
	return meta.Block{Name: "objects", Title: "Objects", Note: data.Words("copies, made as you look"), Table: t}, nil
}

// get is Get, of which a panic is an error.
func (r *Root) get(ctx context.Context) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the function of %s panicked: %v", r.Name, p)
		}
	}()
	return r.Get(ctx)
}

// maxCopy bounds the JSON of one root, as a page's text has to hold it.
const maxCopy = 200 << 10

func (b browser) copies(ctx context.Context) meta.View {
	var view meta.View
	for _, r := range b {
		text := `{"error":"it could not be copied"}`
		v, err := r.get(ctx)
		if err == nil {
			if plain, err := json.Marshal(picture(v, deep()).plain()); err == nil && len(plain) <= maxCopy {
				text = string(plain)
			}
		}
		view.Blocks = append(view.Blocks, meta.Block{Name: r.Name, Text: &meta.Text{Body: text}})
	}
	return view
}

// look shows what is at a path below a root: at=Servers/0/Addr, each step
// escaped as in an address.
func (b browser) look(ctx context.Context, q url.Values) (any, error) {
	at := slices.IndexFunc(b, func(r Root) bool { return r.Name == q.Get("name") })
	if at < 0 {
		return nil, fmt.Errorf("there is no object %q", clip(q.Get("name"), 80))
	}
	steps, err := parsePath(q.Get("at"))
	if err != nil {
		return nil, err
	}
	v, err := b[at].get(ctx)
	if err != nil {
		return nil, err
	}
	n, err := find(v, steps)
	if err != nil {
		return nil, err
	}
	return n.view(b[at].Name, steps), nil
}

const (
	maxSteps = 64
	maxStep  = 256
)

func parsePath(at string) ([]string, error) {
	if at == "" {
		return nil, nil
	}
	steps := strings.Split(at, "/")
	if len(steps) > maxSteps {
		return nil, fmt.Errorf("a path of %d steps: at most %d can be taken", len(steps), maxSteps)
	}
	for i := range steps {
		step, err := url.PathUnescape(steps[i])
		if err != nil || len(step) > maxStep {
			return nil, fmt.Errorf("step %q of the path: want one as it stands in a link", clip(steps[i], 80))
		}
		steps[i] = step
	}
	return steps, nil
}

// href is the address of what is at a path.
func href(root string, steps []string) string {
	to := "objects/" + url.PathEscape(root)
	if len(steps) == 0 {
		return to
	}
	escaped := make([]string, len(steps))
	for i, s := range steps {
		escaped[i] = url.PathEscape(s)
	}
	return to + "?at=" + url.QueryEscape(strings.Join(escaped, "/"))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
