// Package ui shows the values of package meta/data to people: HTML from
// templates, charts as SVG, one stylesheet and a few small modules. What it
// writes is complete without script, and holds nothing inline, so that the
// strictest content security policy fits.
package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed templates
var templates embed.FS

// Renderer writes pages. It is safe for concurrent use.
type Renderer struct {
	pages  *template.Template
	static *Static
}

// New returns a Renderer. Its templates are part of the program: an error in
// them panics.
func New() *Renderer {
	return &Renderer{
		pages:  template.Must(template.New("").ParseFS(templates, "templates/*.html")),
		static: newStatic(),
	}
}

// Static returns the handler of what pages refer to: the stylesheet, the
// modules and the icon.
func (r *Renderer) Static() *Static { return r.static }

// Page writes a whole page.
func (r *Renderer) Page(w io.Writer, f *Frame) error {
	var b bytes.Buffer // so that a failure writes nothing
	if err := r.pages.ExecuteTemplate(&b, "page", r.page(f)); err != nil {
		return fmt.Errorf("show the page %q: %w", f.Title, err)
	}
	_, err := b.WriteTo(w)
	return err
}

// Fragment is a part of a page that can be replaced by its id.
type Fragment struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// Fragments returns the parts of a page that change while somebody looks.
func (r *Renderer) Fragments(f *Frame) ([]Fragment, error) {
	p := r.page(f)
	w := fragments{pages: r.pages}
	for _, group := range p.Groups {
		for _, b := range group.Blocks {
			w.block(b)
		}
	}
	w.add("foot", "foot", p.Foot)
	return w.all, w.err
}

type fragments struct {
	pages *template.Template
	all   []Fragment
	err   error
}

func (w *fragments) add(id, name string, value any) {
	var b bytes.Buffer
	if err := w.pages.ExecuteTemplate(&b, name, value); err != nil {
		w.err = err
		return
	}
	w.all = append(w.all, Fragment{id, b.String()})
}

// block adds what a block is made of: the smaller the parts, the less is sent.
func (w *fragments) block(b *block) {
	switch {
	case b.Verdict != nil:
		w.add(b.ID, "verdict", b.Verdict)
	case b.Figures != nil:
		for _, f := range b.Figures {
			w.add(f.ID, "figure", f)
		}
	case b.Charts != nil:
		for _, c := range b.Charts {
			w.add(c.ID+"-key", "key", c)
			w.add(c.ID, "chart", c)
		}
	case b.Table != nil:
		for _, r := range b.Table.Rows {
			w.add(r.ID, "row", r)
		}
		w.all = append(w.all, Fragment{b.Table.ID, b.Table.order()})
	case b.Dots != nil:
		w.add(b.Dots.ID, "dots", b.Dots)
	case b.Fields != nil:
		for _, f := range b.Fields {
			w.add(f.ID, "fact", f)
		}
	case b.Events != nil:
		for _, e := range b.Events {
			w.add(e.ID, "event", e)
		}
	}
}
